#!/usr/bin/env bash
# Installs the package in an empty project, from the registry, as anybody would, and tries it.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm pack --silent --pack-destination "$folder"
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --no-audit --no-fund --loglevel=error ./stockroom-*.tgz

npx stockroom --version
npx stockroom migrate --help >/dev/null
# The Node of the system, for the client has to work on older ones than that of the project.
node --input-type=module --eval "
import { createClient } from 'stockroom/client'
const { name } = await createClient({ baseUrl: 'http://127.0.0.1:9', retries: 0 }).me.get().catch((error) => error)
if (name !== 'ConnectionError') throw new Error('the client does not work: ' + name)
console.log('the client works on Node', process.version)"
