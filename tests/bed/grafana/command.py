"""`grafana cli admin reset-admin-password [--password-from-stdin] [--user-id N] [PASSWORD]`, `grafana server`."""

import os
import sys

sys.path[:0] = ["/usr/share/grafana"]


def main(arguments):
    if arguments[:1] == ["server"]:
        os.execv("/run.sh", ["/run.sh", *arguments[1:]])
    words = [word for word in arguments if not word.startswith("--homepath") and not word.startswith("--config")]
    if words[:3] != ["cli", "admin", "reset-admin-password"]:
        print("usage: grafana cli admin reset-admin-password [--password-from-stdin] [--user-id N] [PASSWORD]", file=sys.stderr)
        return 1
    rest, user_id, password = words[3:], 1, None
    while rest:
        word = rest.pop(0)
        if word == "--password-from-stdin":
            password = sys.stdin.readline().rstrip("\n")
        elif word == "--user-id":
            user_id = int(rest.pop(0))
        else:
            password = word
    if not password or len(password) < 4:
        print("Error: ✗ new password is too short", file=sys.stderr)
        return 1
    from database import open_database

    # Like the server, it finds the database by GF_PATHS_DATA.
    if not open_database().set_password(user_id, password):
        print(f"Error: ✗ could not read user with id {user_id}", file=sys.stderr)
        return 1
    print("Admin password changed successfully ✔")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
