#!/bin/sh
# In place of k3s' own install.sh, which colima downloads and runs with k3s' arguments.
set -eu
arguments=
for argument; do
    arguments="$arguments '$(printf %s "$argument" | sed "s/'/'\\\\''/g")'"
done
mkdir -p /etc/systemd/system /usr/local/bin
printf '#!/bin/sh\nexec /usr/local/bin/k3s server%s\n' "$arguments" >/etc/systemd/system/k3s.service
chmod +x /etc/systemd/system/k3s.service
printf '#!/bin/sh\nsystemctl stop k3s\n' >/usr/local/bin/k3s-killall.sh
printf '#!/bin/sh\nsystemctl stop k3s\nrm -rf /var/lib/rancher /etc/rancher /usr/local/bin/k3s\n' >/usr/local/bin/k3s-uninstall.sh
chmod +x /usr/local/bin/k3s-killall.sh /usr/local/bin/k3s-uninstall.sh
