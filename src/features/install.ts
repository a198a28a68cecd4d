/**
 * An install: one player's record at prediction time, as the wire, the CSV and the golden predictions have it.
 * Field names are the contract's own and therefore in snake case. Values are taken as they come; what is missing,
 * unknown or oddly written is the feature plan's business.
 */

export const TEXT_FIELDS = [
  'country',
  'country_region',
  'source',
  'platform',
  'device_family',
  'os_version',
] as const

export const COUNT_FIELDS = ['event_1', 'event_2', 'event_3'] as const

/** All nine, in the order in which they are always listed. */
export const INSTALL_FIELDS = [...TEXT_FIELDS, ...COUNT_FIELDS] as const

export type TextField = (typeof TEXT_FIELDS)[number]
export type CountField = (typeof COUNT_FIELDS)[number]
export type InstallField = TextField | CountField

/** The nine input fields. Counts are numbers ≥ 0; `null` says that a value is not known. */
export type Install = Record<TextField, string | null> & Record<CountField, number | null>

/** An absent text is null or empty; white space is a text like any other. */
export const isMissingText = (text: string | null): text is null | '' => text === null || text === ''
