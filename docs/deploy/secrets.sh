#!/bin/sh
# Makes the passwords that docker-compose.yml needs, in .secrets beside it or in the folder that is given; what is there stays.
# The folder is closed to other users of this machine; the files in it are readable, since the users in the containers have other
# numbers than whoever runs this.
set -eu
umask 022
folder=${1:-$(dirname "$0")/../../.secrets}
mkdir -p -m 0700 "$folder"
cd "$folder"

# 32 letters and digits: they can stand in a URL and in a configuration file as they are.
password() { LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom | head -c 32; }

# one NAME CONTENT writes a file that is not there, whole or not at all.
one() {
	[ -e "$1" ] && return
	printf '%s\n' "$2" >".new-$1"
	mv ".new-$1" "$1"
}

one postgres-password "$(password)"
one grafana-password "$(password)"
one nats-password "$(password)"
one nats-route-password "$(password)"

# Databases keep the password of their first start, so that passwords stay; what is made of them is made anew.
rm -f nats-private.conf daybook.yaml
routes=
servers=
for server in nats-1 nats-2 nats-3; do
	routes="$routes, \"nats-route://route:$(cat nats-route-password)@$server:6222\""
	servers="$servers,nats://daybook:$(cat nats-password)@$server:4222"
done
one nats-private.conf "accounts {
  DAYBOOK {
    jetstream: enabled
    users: [{user: daybook, password: \"$(cat nats-password)\"}]
  }
}
cluster {
  name: daybook
  listen: 0.0.0.0:6222
  authorization { user: route, password: \"$(cat nats-route-password)\" }
  routes: [${routes#, }]
}"
one daybook.yaml "store: esdb://eventstore:2113?tls=false
views: postgres://daybook:$(cat postgres-password)@postgres:5432/daybook?sslmode=disable
nats: ${servers#,}"
