/**
 * The TLS parameters of a connection string → Node's options.
 */
import { readFileSync } from 'node:fs'
import { BlockList, isIP, type Socket } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import type { Options } from 'postgres'
import { DatabaseUrlError } from './url-parameters.ts'

type Encryption = NonNullable<Options<Record<string, never>>['ssl']>

const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1'])

/**
 * Connections are encrypted where the server can, if there is no `sslmode`, as with libpq; on this machine they are not. Certificates are verified by the
 * name, or the address, of the URL.
 */
export function encryption(query: ReadonlyMap<string, string>, hosts: readonly string[]): Encryption {
  const root = query.get('sslrootcert')
  const mode =
    query.get('sslmode') ??
    (root === 'system' ? 'verify-full' : hosts.every((host) => LOOPBACK.has(host)) ? 'disable' : 'prefer')
  if (mode === 'disable') return false
  const files = {
    ...(root !== undefined && root !== 'system' && { ca: fileOf('sslrootcert', root) }),
    ...pathOf(query, 'sslcert', 'cert'),
    ...pathOf(query, 'sslkey', 'key'),
    ...(query.has('sslpassword') && { passphrase: query.get('sslpassword') }),
  }
  if (mode === 'allow' || mode === 'prefer') {
    if (Object.keys(files).length === 0) return 'prefer'
    throw new DatabaseUrlError(
      'sslmode: expected require, verify-ca or verify-full with certificates, got none of them',
    )
  }
  if (mode === 'require' && root === undefined) return { ...files, rejectUnauthorized: false }
  if (mode !== 'verify-full')
    return { ...files, rejectUnauthorized: true, checkServerIdentity: () => undefined }
  return {
    ...files,
    rejectUnauthorized: true,
    // Node calls it on the options of the connection: the driver names the server there unless its host is an address, and the socket knows the address.
    checkServerIdentity(this: Connecting, name: string, certificate: PeerCertificate) {
      return identify(this, name, certificate, hosts)
    },
  }
}

interface Connecting {
  readonly servername?: string
  readonly socket?: Socket
}

/** Node asks for `localhost` where the host is an address. Of several addresses, the one that was connected to counts. */
function identify(
  { servername, socket }: Connecting,
  name: string,
  certificate: PeerCertificate,
  hosts: readonly string[],
): Error | undefined {
  if (servername !== undefined) return checkServerIdentity(servername, certificate)
  const address = socket?.remoteAddress
  const host = hosts.find((host) => isIP(host) !== 0 && address !== undefined && isSame(host, address))
  return checkServerIdentity(host ?? address ?? name, certificate)
}

/** An address of version 4 may be written as one of version 6, and one of version 6 in several ways. */
function isSame(host: string, address: string): boolean {
  const addresses = new BlockList()
  addresses.addAddress(host, isIP(host) === 6 ? 'ipv6' : 'ipv4')
  return addresses.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

function pathOf(query: ReadonlyMap<string, string>, name: string, option: string): object {
  const path = query.get(name)
  return path === undefined ? {} : { [option]: fileOf(name, path) }
}

function fileOf(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new DatabaseUrlError(`${name}: expected a file that can be read, got ${path} (${code})`, { cause })
  }
}
