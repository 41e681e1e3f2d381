# Not in a registry yet: `docker build -t satgate .`, then
#   docker run -p 127.0.0.1:3000:3000 -v satgate:/data -v ./satgate.yaml:/app/satgate.yaml:ro satgate
FROM node:24-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json vite.config.ts ./
COPY bin bin
COPY src src
RUN npm run build

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY package.json package-lock.json .npmrc LICENSE ./
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force
COPY --from=build /src/dist dist
# Ledger and root key. A new named volume takes its owner from this folder.
RUN mkdir /data && chown node:node /data && chmod 700 /data
USER node
VOLUME /data
# Inside the container every address is the container's own: publish the port where it is to be seen.
ENV SATGATE_DATA_DIR=/data SATGATE_HOST=0.0.0.0
EXPOSE 3000
# Node is process 1 and handles SIGTERM: streams finish before it stops.
ENTRYPOINT ["node", "dist/bin/satgate.js"]
