FROM oven/bun:1.4.5-slim AS build
WORKDIR /app
COPY package.json bun.lock bunfig.toml tsconfig.json ./
RUN bun install --frozen-lockfile --production
COPY src ./src
COPY scripts ./scripts
RUN bun scripts/build.ts

FROM oven/bun:1.4.5-slim
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 OPS_HOST=0.0.0.0
COPY --from=build /app ./
RUN mkdir data && chown bun:bun data
USER bun
VOLUME /app/data
EXPOSE 3300 3301
HEALTHCHECK --interval=10s --timeout=2s --start-period=5s \
  CMD ["bun", "scripts/health.ts"]
CMD ["bun", "dist/index.js"]
