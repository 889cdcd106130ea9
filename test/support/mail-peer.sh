#!/bin/bash
# Real mail servers on loopback for the tests: Postfix takes mail in by SMTP, Dovecot keeps it and serves IMAP.
# Usage: mail-peer.sh start|stop|start-dovecot|stop-dovecot FOLDER   (ports in P_SMTP, P_IMAP, P_IMAPS, P_LMTP)
# Needs root and: apt-get install --no-install-recommends dovecot-imapd dovecot-lmtpd postfix openssl
# Nothing outside FOLDER is written. Users alice@ bob@ carol@ human.test, inbox@agents.test, password: secret.
# P_OAUTH_PORT: the authorisation server whose tokens IMAP and SMTP take too (then SMTP asks for a login).
# P_DOVECOT: lines put after Dovecot's configuration.
# gone@human.test is known to Postfix, not to Dovecot: a bounce. nobody@human.test is a 550 in the dialogue.
set -euo pipefail
verb=$1 B=$2

make_tls() (
  mkdir -p "$B/tls" && cd "$B/tls"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=test authority" \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" -keyout ca.key -out ca.pem
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=mail.human.test" -keyout server.key -out server.csr
  printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n' > ext
  openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile ext -out server.pem
  chgrp dovecot server.key && chmod 640 server.key
) 2>/dev/null

write_dovecot() {
  mkdir -p "$B/dovecot" "$B/run" "$B/log" "$B/mail" && chown nobody "$B/mail"
  : > "$B/dovecot/users"
  for user in alice@human.test bob@human.test carol@human.test inbox@agents.test; do
    echo "$user:{PLAIN}secret::::::" >> "$B/dovecot/users"
  done
  chmod 640 "$B/dovecot/users" && chgrp dovecot "$B/dovecot/users"
  cat > "$B/dovecot/dovecot.conf" <<D
base_dir = $B/run/dovecot
state_dir = $B/run/dovecot-state
log_path = $B/log/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
first_valid_uid = 1
mail_uid = nobody
mail_gid = nogroup
mail_home = $B/mail/%d/%n
mail_location = maildir:~/Maildir
recipient_delimiter = +
lmtp_save_to_detail_mailbox = no
hostname = mail.human.test
ssl = yes
ssl_cert = <$B/tls/server.pem
ssl_key = <$B/tls/server.key
auth_mechanisms = plain login
auth_failure_delay = 0
mail_max_userip_connections = 20
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u $B/dovecot/users
}
userdb {
  driver = passwd-file
  args = username_format=%u $B/dovecot/users
  default_fields = uid=nobody gid=nogroup home=$B/mail/%d/%n
}
namespace inbox {
  inbox = yes
  mailbox Junk {
    special_use = \\Junk
  }
  mailbox "All Mail" {
    special_use = \\All
  }
}
service imap-login {
  inet_listener imap {
    port = $P_IMAP
  }
  inet_listener imaps {
    port = $P_IMAPS
    ssl = yes
  }
}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = $P_LMTP
  }
}
D
  [ -z "${P_OAUTH_PORT:-}" ] || write_oauth
  printf '%s\n' "${P_DOVECOT:-}" >> "$B/dovecot/dovecot.conf"
}

write_oauth() {
  cat > "$B/dovecot/oauth2.conf" <<D
tokeninfo_url = http://127.0.0.1:$P_OAUTH_PORT/tokeninfo?access_token=
username_attribute = email
username_format = %u
active_attribute = active
active_value = true
D
  chmod 640 "$B/dovecot/oauth2.conf" && chgrp dovecot "$B/dovecot/oauth2.conf"
  cat >> "$B/dovecot/dovecot.conf" <<D
auth_mechanisms = plain login xoauth2 oauthbearer
auth_debug = yes
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = $B/dovecot/oauth2.conf
}
service auth {
  unix_listener auth-postfix {
    mode = 0666
  }
}
D
}

write_postfix() {
  mkdir -p "$B/postfix" "$B/spool" "$B/pfdata" && chown postfix "$B/pfdata"
  for user in alice@human.test bob@human.test carol@human.test gone@human.test inbox@agents.test; do
    echo "$user x"
  done > "$B/postfix/mailboxes"
  cat > "$B/postfix/main.cf" <<M
compatibility_level = 3.6
queue_directory = $B/spool
data_directory = $B/pfdata
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file_prefixes = $B
maillog_file = $B/log/postfix.log
myhostname = mail.human.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtp_host_lookup = native
smtp_dns_support_level = disabled
alias_maps =
alias_database =
local_recipient_maps =
recipient_delimiter = +
virtual_mailbox_domains = human.test, agents.test
virtual_mailbox_maps = texthash:$B/postfix/mailboxes
virtual_transport = lmtp:inet:127.0.0.1:$P_LMTP
message_size_limit = 26214400
mailbox_size_limit = 0
virtual_mailbox_limit = 0
smtpd_tls_cert_file = $B/tls/server.pem
smtpd_tls_key_file = $B/tls/server.key
smtpd_tls_security_level = may
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_client_connection_count_limit = 0
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
lmtp_destination_concurrency_limit = 20
M
  [ -z "${P_OAUTH_PORT:-}" ] || cat >> "$B/postfix/main.cf" <<M
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = $B/run/dovecot/auth-postfix
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
M
  cat > "$B/postfix/master.cf" <<M
127.0.0.1:$P_SMTP inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
M
}

wait_for() {
  for _ in $(seq 100); do
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
    sleep 0.05
  done
  echo "port $1 did not open; the logs are in $B/log" >&2
  return 1
}

start_dovecot() {
  setsid dovecot -F -c "$B/dovecot/dovecot.conf" </dev/null >>"$B/log/dovecot.out" 2>&1 &
  echo $! > "$B/run/dovecot.pid"
  wait_for "$P_IMAP"
}

start_postfix() {
  postfix -c "$B/postfix" check >>"$B/log/postfix.out" 2>&1 || true
  setsid postfix -c "$B/postfix" start-fg </dev/null >>"$B/log/postfix.out" 2>&1 &
  echo $! > "$B/run/postfix.pid"
  wait_for "$P_SMTP"
}

# Each server leads a process group of its own: Dovecot's children outlive their master while a client idles.
stop_group() {
  [ -s "$B/run/$1.pid" ] || return 0
  local pid
  pid=$(cat "$B/run/$1.pid")
  kill -TERM "$pid" 2>/dev/null || true
  [ "$1" = postfix ] && [ -s "$B/spool/pid/master.pid" ] && kill -TERM "$(tr -d ' ' < "$B/spool/pid/master.pid")" 2>/dev/null || true
  for _ in $(seq 40); do kill -0 "$pid" 2>/dev/null || break; sleep 0.05; done
  kill -KILL -- "-$pid" 2>/dev/null || true
  rm -f "$B/run/$1.pid"
}

case $verb in
  start) chmod 755 "$B"; make_tls; write_dovecot; write_postfix; start_dovecot; start_postfix ;;
  stop) stop_group postfix; stop_group dovecot ;;
  start-dovecot) start_dovecot ;;
  stop-dovecot) stop_group dovecot ;;
  *) echo "unknown verb $verb" >&2; exit 2 ;;
esac
