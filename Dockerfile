# The service, and the command `stockroom`, without a shell or a package manager. The database is yours: set POSTGRES_HOST.
#
#   docker build -t stockroom .
#   docker run --rm --env-file .env stockroom migrate up
#   docker run --rm --env-file .env --read-only --cap-drop ALL --tmpfs /tmp -p 8000:8000 stockroom

FROM docker.io/library/node:26-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build && \
  npm prune --omit=dev --omit=optional && \
  find node_modules/bcrypt/prebuilds -mindepth 1 -maxdepth 1 ! -name "linux-$(node -p process.arch)" -exec rm -r {} + && \
  rm -rf node_modules/.cache && find node_modules -type d -empty -delete
# Fills the cache of compiled code, because the root file system of a container should be read-only.
RUN node bin/stockroom.js migrate --help >/dev/null && node --import ./scripts/require-node.mjs dist/src/main.js --help >/dev/null
# Node, and what it is linked with.
RUN mkdir -p /image/etc /image/tmp /image/usr/local/bin /image/app && \
  cp "$(node -p process.execPath)" /image/usr/local/bin/node && \
  ldd /image/usr/local/bin/node | grep -o '/[^ )]*' | xargs -I{} cp --parents --dereference {} /image && \
  echo 'stockroom:x:65532:65532::/app:/sbin/nologin' >/image/etc/passwd && \
  echo 'stockroom:x:65532:' >/image/etc/group && \
  echo 'hosts: files dns' >/image/etc/nsswitch.conf && \
  cp --parents $(find /usr/lib /lib -name 'libnss_dns.so.2' -o -name 'libnss_files.so.2' -o -name 'libresolv.so.2') /image && \
  chmod 1777 /image/tmp && \
  mv bin dist node_modules scripts package.json LICENSE /image/app/

FROM scratch
COPY --from=build /image/ /
WORKDIR /app
USER 65532:65532
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8000 METRICS_HOST=0.0.0.0 METRICS_PORT=9464 SHUTDOWN_TIMEOUT=60
EXPOSE 8000 9464
HEALTHCHECK --start-period=60s CMD ["/usr/local/bin/node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/readyz`).then((response) => process.exit(response.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/usr/local/bin/node", "/app/bin/stockroom.js"]
CMD ["start"]
