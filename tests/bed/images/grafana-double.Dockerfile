# A test double of Grafana, laid out like the official image.
ARG BASE
FROM $BASE
COPY grafana/ /usr/share/grafana/
COPY grafana/run.sh /run.sh
COPY grafana/grafana /usr/bin/grafana
# Compiled once, so that a read-only container starts as fast as one that may write.
RUN ["/usr/bin/python3", "-m", "compileall", "-q", "/usr/share/grafana", "/usr/lib/python3/dist-packages/yaml"]
ENV GF_PATHS_DATA=/var/lib/grafana
USER 472:0
EXPOSE 3000
WORKDIR /usr/share/grafana
ENTRYPOINT ["/run.sh"]
