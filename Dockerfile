# The program on a slim base; `cargo xtask dist` makes what is copied.
#   docker build -t thalweg . && docker run --rm -v "$PWD:/data" -w /data thalweg train houses.csv
FROM debian:stable-slim
COPY dist/thalweg-*-linux-*/thalweg /usr/local/bin/thalweg
ENTRYPOINT ["thalweg"]
