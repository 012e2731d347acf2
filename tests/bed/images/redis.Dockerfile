ARG BASE
FROM $BASE
USER 999
EXPOSE 6379
VOLUME /data
WORKDIR /data
CMD ["redis-server", "--protected-mode", "no"]
