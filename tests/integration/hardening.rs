//! What a service could do if it were taken over: looked at from inside each running container.

use std::collections::BTreeMap;

use crate::lab::{Lab, SERVICES, docker};

/// What a shell inside the container says.
fn inside(lab: &Lab, service: &str, script: &str) -> String {
    let output = docker(&["exec", &lab.container(service), "sh", "-c", script]);
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The fields of the first process's `/proc/1/status`.
fn status(lab: &Lab, service: &str) -> BTreeMap<String, String> {
    let text = inside(lab, service, "cat /proc/1/status");
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.split_whitespace().collect::<Vec<_>>().join(" ")))
        .collect()
}

/// The file system that a path's mount line names, and its options.
fn mounts(lab: &Lab, service: &str) -> Vec<(String, String, String, String)> {
    let text = inside(lab, service, "cat /proc/1/mounts");
    let fields = |line: &str| {
        let mut fields = line.split(' ').map(str::to_owned);
        Some((fields.next()?, fields.next()?, fields.next()?, fields.next()?))
    };
    text.lines().filter_map(fields).collect()
}

#[test]
fn every_service_can_do_what_it_needs_and_nothing_else() {
    let Some(lab) = Lab::open() else { return };
    lab.run(&["up", "--with", "redis"]).expect(0);
    let wanted = [
        ("prometheus", "65534", "65534", "/prometheus", "/etc/prometheus", 2_u64 << 30, 256),
        ("grafana", "472", "0", "/var/lib/grafana", "/etc/confidexmon", 1 << 30, 1024),
        ("alertmanager", "65534", "65534", "/alertmanager", "/etc/alertmanager", 256 << 20, 256),
        ("redis", "999", "999", "/data", "/etc/redis", 512 << 20, 256),
        // It keeps nothing.
        ("redis-exporter", "59000", "59000", "/tmp", "/etc/redis-exporter", 128 << 20, 128),
    ];
    for (service, user, group, data, config, memory, pids) in wanted {
        let status = status(&lab, service);
        let four = |id: &str| [id; 4].join(" ");
        assert_eq!((&status["Uid"], &status["Gid"]), (&four(user), &four(group)), "{service}");
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert!(status[set].bytes().all(|byte| byte == b'0'), "{service}: {set} is {}", status[set]);
        }
        assert_eq!(status["NoNewPrivs"], "1", "{service}");
        assert_eq!(status["Seccomp"], "2", "{service}: no filter");
        // A group that the image adds would be another door.
        let groups: Vec<&str> =
            status["Groups"].split(' ').filter(|id| !id.is_empty() && *id != group).collect();
        assert!(groups.is_empty(), "{service}: {groups:?}");

        let mounts = mounts(&lab, service);
        let root = mounts.iter().find(|(_, at, ..)| at == "/").unwrap();
        assert!(root.3.split(',').any(|option| option == "ro"), "{service}: {root:?}");
        for (source, at, kind, _) in &mounts {
            let is_hosts = ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"].contains(&at.as_str());
            let is_volume = at == data || at == config;
            // The engine's own first process (`docker-init`), which only reads.
            let is_init = at.ends_with("/docker-init") || at.ends_with("/catatonit");
            let is_virtual = is_init
                || source == "overlay"
                || ["proc", "tmpfs", "devpts", "sysfs", "cgroup", "cgroup2", "mqueue", "shm"]
                    .contains(&kind.as_str());
            assert!(is_hosts || is_volume || is_virtual, "{service}: {source} is mounted at {at} as {kind}");
        }
        let inspected = lab.inspect(service);
        for mount in inspected["Mounts"].as_array().unwrap() {
            assert_eq!(mount["Type"], "volume", "{service}: {mount}");
        }
        let sockets = inside(
            &lab,
            service,
            "ls /var/run/docker.sock /run/docker.sock /run/podman/podman.sock 2>/dev/null; grep -c sock /proc/1/mounts",
        );
        assert_eq!(sockets.trim(), "0", "{service}: {sockets}");

        // Every folder that can be written, as the service's own user tries it.
        let tried = inside(
            &lab,
            service,
            "for d in / /bin /sbin /usr /usr/bin /usr/share /lib /etc /var /var/lib /var/log /run /root /home /opt /srv /mnt /media /sys /proc /dev /tmp /dev/shm $0 $1; do [ -d $d ] && ( : > $d/.try ) 2>/dev/null && echo $d && rm -f $d/.try; done; true"
                .replace("$0", data)
                .replace("$1", config)
                .as_str(),
        );
        let writable: Vec<&str> = tried.lines().collect();
        let allowed = [data, config, "/tmp", "/dev/shm"];
        assert!(writable.contains(&data) && writable.contains(&"/tmp"), "{service}: {writable:?}");
        assert!(writable.iter().all(|path| allowed.contains(path)), "{service}: {writable:?}");
        // What is brought into the one place for anything cannot be run there.
        let ran = inside(
            &lab,
            service,
            "cp /bin/true /tmp/x 2>/dev/null || cp /bin/sh /tmp/x; /tmp/x -c true && echo ran; rm -f /tmp/x",
        );
        assert!(!ran.contains("ran\n") && ran.to_lowercase().contains("denied"), "{service}: {ran}");

        let limit = |files: &str| {
            inside(&lab, service, &format!("cat {files} 2>/dev/null | head -1")).trim().to_owned()
        };
        let memory_limit = limit("/sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes");
        assert_eq!(memory_limit, memory.to_string(), "{service}");
        assert_eq!(
            limit("/sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max"),
            pids.to_string(),
            "{service}"
        );
        // Neither the host's processes nor its network are seen.
        let processes = inside(&lab, service, "ls -d /proc/[0-9]* | wc -l");
        assert!(processes.trim().parse::<u32>().unwrap() < 40, "{service}: {processes}");
    }
    assert_eq!(wanted.len(), SERVICES.len());
    let text = lab.run(&["doctor", "security", "-v"]).stdout;
    for line in [
        "4.1  passed: runs as a user without root rights",
        "5.4  passed: every capability is dropped",
        "5.26 passed: cannot gain rights",
        "5.32 passed: does not have the engine's socket",
        "5.15 excepted: restart policy on-failure:5: it is `always`",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

/// What the engine was asked for by somebody else is told apart, item by item.
#[test]
fn a_container_that_was_made_otherwise_is_told_by_its_items() {
    let Some(lab) = Lab::open() else { return };
    lab.run(&["up"]).expect(0);
    let name = lab.container("alertmanager");
    let labels = lab.inspect("alertmanager")["Config"]["Labels"].clone();
    docker(&["rm", "-f", "-v", &name]);
    let mut arguments = vec![
        "run".to_owned(),
        "-d".to_owned(),
        "--name".to_owned(),
        name,
        "--privileged".to_owned(),
        "--pid=host".to_owned(),
    ];
    for (key, value) in labels.as_object().unwrap() {
        arguments.extend(["--label".to_owned(), format!("{key}={}", value.as_str().unwrap())]);
    }
    arguments.extend(["-v".to_owned(), "/etc/hostname:/x:ro".to_owned(), crate::lab::image("redis")]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let made = docker(&arguments);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let text = lab.run(&["doctor", "security", "-v"]).expect(6).stdout;
    for item in [
        "5.4 ",
        "5.5 is not privileged",
        "5.6 mounts nothing of the host",
        "5.11 ",
        "5.13 ",
        "5.16 ",
        "5.26 ",
        "5.30 ",
    ] {
        assert!(text.contains(item), "{item}\n{text}");
    }
}
