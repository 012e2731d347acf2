# What the packages' scripts would have done, and the official images' layout.
b=/usr/bin/busybox
for directory in bin sbin lib lib64; do
    [ -e "/$directory" ] || $b ln -s "usr/$directory" "/$directory"
done
for applet in sh wget rm kill cat ls mv mkdir sed env; do
    [ -e "/usr/bin/$applet" ] || $b ln -s busybox "/usr/bin/$applet"
done
$b ln -s prometheus-alertmanager /usr/bin/alertmanager
$b ln -s prometheus-redis-exporter /usr/bin/redis_exporter
[ -e /usr/bin/python3 ] || $b ln -s "$($b ls /usr/bin | $b grep '^python3\.[0-9]*$' | $b head -n 1)" /usr/bin/python3
$b mkdir -p /prometheus /alertmanager /data /tmp /etc/prometheus /etc/alertmanager /var/lib/grafana /etc/ssl/certs
$b chmod 1777 /tmp
$b cat /usr/share/ca-certificates/mozilla/*.crt >/etc/ssl/certs/ca-certificates.crt
$b chown 65534:65534 /prometheus /alertmanager
$b chown 999:999 /data
$b chown 472:0 /var/lib/grafana
printf 'root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\nredis:x:999:999::/data:/bin/false\ngrafana:x:472:0::/usr/share/grafana:/bin/false\n' >/etc/passwd
printf 'root:x:0:\nnogroup:x:65534:\nredis:x:999:\n' >/etc/group
$b rm /finish.sh
