import { pipeline, type Readable } from 'node:stream'
import { createGzip } from 'node:zlib'

/** Fails if `stream` fails, and ends `stream` if it is ended itself. */
export function gzip(stream: Readable): Readable {
  // A higher level takes longer than PostgreSQL needs for the rows.
  return pipeline(stream, createGzip({ level: 1 }), () => {})
}
