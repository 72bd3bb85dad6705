import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Cleanup } from './cleanup.ts'
import { withoutProgram } from './programs.ts'
import { temporaryFolder } from './service.ts'

export const withoutOpenssl = withoutProgram('openssl')

/** The files of a certificate and its key, and the text of the certificate. */
export interface Certificate {
  cert: string
  key: string
  pem: string
}

export interface Authority extends Certificate {
  /** @param names what the certificate is for, such as `DNS:localhost` */
  issue(name: string, names?: string): Certificate
  /** One for the same that is no longer valid. */
  issueExpired(name: string, names: string): Certificate
}

/** Of `openssl ca`, which alone takes dates of the past. */
const settings = `[ca]\ndefault_ca = own\n[own]\npolicy = policy\ndefault_md = sha256\nrand_serial = yes\ncopy_extensions = copy`

/** A certificate authority of its own, which ends with the test. */
export async function openAuthority(t: Cleanup, name = 'authority'): Promise<Authority> {
  const folder = await temporaryFolder(t)
  const make = (subject: string, ...more: string[]): Certificate => {
    const cert = join(folder, `${subject}.crt`)
    const key = join(folder, `${subject}.key`)
    const usual = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
    const files = ['-subj', `/CN=${subject}`, '-keyout', key, '-out', cert]
    execFileSync('openssl', ['req', '-x509', ...usual, ...files, ...more], { stdio: 'pipe' })
    return { cert, key, pem: readFileSync(cert, 'utf8') }
  }
  const own = make(name)
  const signed = ['-CA', own.cert, '-CAkey', own.key, '-addext', 'basicConstraints=critical,CA:FALSE']
  const issueExpired = (subject: string, names: string): Certificate => {
    const request = join(folder, `${subject}-expired.csr`)
    const key = join(folder, `${subject}-expired.key`)
    const cert = join(folder, `${subject}-expired.crt`)
    const config = join(folder, 'ca.cnf')
    writeFileSync(config, `${settings}\ndatabase = ${join(folder, 'index.txt')}\n[policy]\ncommonName = supplied\n`)
    writeFileSync(join(folder, 'index.txt'), '')
    const usual = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-keyout',
      key,
      '-out',
      request,
    ]
    const given = ['-subj', `/CN=${subject}`, '-addext', `subjectAltName=${names}`]
    execFileSync('openssl', ['req', ...usual, ...given], { stdio: 'pipe' })
    const period = ['-startdate', '200101000000Z', '-enddate', '200102000000Z']
    const files = ['-cert', own.cert, '-keyfile', own.key, '-in', request, '-out', cert, '-outdir', folder]
    execFileSync('openssl', ['ca', '-batch', '-notext', '-config', config, ...period, ...files], { stdio: 'pipe' })
    return { cert, key, pem: readFileSync(cert, 'utf8') }
  }
  return {
    ...own,
    issueExpired,
    issue: (subject, names) => make(subject, ...signed, ...(names ? ['-addext', `subjectAltName=${names}`] : [])),
  }
}
