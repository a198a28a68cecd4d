/**
 * The example request of the README.
 */
export const EXAMPLE = {
  country: 'es',
  country_region: 'Madrid',
  source: 'Organic',
  platform: 'iOS',
  device_family: 'Apple iPhone',
  os_version: '14.4',
  event_1: 100,
  event_2: 50,
  event_3: 10,
}
