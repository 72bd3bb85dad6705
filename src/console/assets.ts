import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'

export interface Asset {
  type: string
  plain: Buffer
  br: Buffer
  gzip: Buffer
}

export interface Assets {
  /** @param base the address of the console, with its last slash */
  page: (base: string) => { html: string; etag: string }
  /** By their names, which contain a hash of their content. */
  files: Map<string, Asset>
}

const types: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

export async function readAssets(folder: string): Promise<Assets> {
  const html = await readFile(join(folder, 'index.html'), 'utf8')
  const page = (base: string) => {
    const located = html.replaceAll('="./', `="${base}`)
    return { html: located, etag: `"${createHash('sha256').update(located).digest('base64url')}"` }
  }
  const names = (await readdir(join(folder, 'assets'))).filter((name) => types[extname(name)] !== undefined)
  const files = await Promise.all(
    names.map(async (name) => [name, await readAsset(join(folder, 'assets', name))] as const),
  )
  return { page, files: new Map(files) }
}

async function readAsset(path: string): Promise<Asset> {
  const [plain, br, gzip] = await Promise.all([readFile(path), readFile(`${path}.br`), readFile(`${path}.gz`)])
  return { type: types[extname(path)] ?? '', plain, br, gzip }
}
