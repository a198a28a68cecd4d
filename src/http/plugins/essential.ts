/**
 * Requests that are never refused: without them nobody could see that others are.
 */
const ESSENTIAL = /^\/(?:(?:v2\/)?health(?:\/live|\/ready)?|ping|metrics)(?:\?|$)/

export const isEssential = ({ url }: { readonly url: string }): boolean => ESSENTIAL.test(url)
