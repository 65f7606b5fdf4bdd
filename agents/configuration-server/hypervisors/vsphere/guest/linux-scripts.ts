/** POSIX shell, run as root. Each may run again. Exit code 100 says that there was nothing to do. */
export const NOTHING_TO_DO = 100;

const INSTALL = String.raw`
install() {
  if command -v apt-get >/dev/null 2>&1; then DEBIAN_FRONTEND=noninteractive apt-get install -y "$1"
  elif command -v dnf >/dev/null 2>&1; then dnf install -y "$2"
  elif command -v yum >/dev/null 2>&1; then yum install -y "$2"
  elif command -v zypper >/dev/null 2>&1; then zypper -n install "$2"
  else return 1; fi
}
`;

/** The guest was reached through its tools, so that what may be missing is their start at the next boot. */
export const TOOLS = String.raw`${INSTALL}
command -v vmtoolsd >/dev/null 2>&1 || install open-vm-tools open-vm-tools || exit 1
systemctl enable --now vmtoolsd 2>/dev/null || systemctl enable --now open-vm-tools
`;

/** A failover may take the package out or disable it; its connections stay, and show that it was used. */
export const NETWORK_MANAGER = String.raw`${INSTALL}
if ! systemctl cat NetworkManager >/dev/null 2>&1; then
  ls /etc/NetworkManager/system-connections/* >/dev/null 2>&1 || exit 100
  install network-manager NetworkManager || exit 1
fi
systemctl is-enabled --quiet NetworkManager && systemctl is-active --quiet NetworkManager && exit 100
systemctl unmask NetworkManager
systemctl enable --now NetworkManager
`;

/**
 * Arguments: MAC address, address, prefix length, gateway or -, DNS servers with blanks between them or -. Writes the
 * settings where the guest keeps its own, and ends with 0 only when the interface has the address.
 */
export const STATIC_ADDRESS = String.raw`
set -u
mac=$1 address=$2 prefix=$3 gateway=$4 dns=$5
[ "$gateway" = - ] && gateway=
[ "$dns" = - ] && dns=
interface=
for file in /sys/class/net/*/address; do
  [ "$(cat "$file")" = "$mac" ] || continue
  interface=$(basename "$(dirname "$file")")
done
[ -n "$interface" ] || exit 10
active() { systemctl is-active --quiet "$1" 2>/dev/null; }
has_address() { ip -4 -o addr show dev "$interface" | grep -q " $address/$prefix "; }
commas() { echo "$dns" | tr ' ' ','; }

with_network_manager() {
  name=azure-failback-$interface
  nmcli connection delete "$name" >/dev/null 2>&1
  set -- type ethernet con-name "$name" ifname "$interface" connection.autoconnect-priority 100
  set -- "$@" ipv4.method manual ipv4.addresses "$address/$prefix"
  [ -n "$gateway" ] && set -- "$@" ipv4.gateway "$gateway"
  [ -n "$dns" ] && set -- "$@" ipv4.dns "$(commas)"
  nmcli connection add "$@" && nmcli connection up "$name"
}

with_netplan() {
  {
    echo "network:"
    echo "  version: 2"
    echo "  ethernets:"
    echo "    $interface:"
    echo "      match: {macaddress: '$mac'}"
    echo "      dhcp4: false"
    echo "      addresses: [$address/$prefix]"
    [ -n "$gateway" ] && echo "      routes: [{to: 0.0.0.0/0, via: $gateway}]"
    [ -n "$dns" ] && echo "      nameservers: {addresses: [$(commas)]}"
  } >"/etc/netplan/99-azure-failback-$interface.yaml"
  chmod 600 "/etc/netplan/99-azure-failback-$interface.yaml"
  netplan apply
}

with_networkd() {
  {
    echo "[Match]"
    echo "MACAddress=$mac"
    echo "[Network]"
    echo "DHCP=no"
    echo "Address=$address/$prefix"
    [ -n "$gateway" ] && echo "Gateway=$gateway"
    for server in $dns; do echo "DNS=$server"; done
  } >"/etc/systemd/network/05-azure-failback-$interface.network"
  systemctl restart systemd-networkd
}

with_ifcfg() {
  {
    echo "DEVICE=$interface"
    echo "HWADDR=$mac"
    echo "ONBOOT=yes"
    echo "BOOTPROTO=none"
    echo "IPADDR=$address"
    echo "PREFIX=$prefix"
    [ -n "$gateway" ] && echo "GATEWAY=$gateway"
    number=1
    for server in $dns; do echo "DNS$number=$server"; number=$((number + 1)); done
  } >"/etc/sysconfig/network-scripts/ifcfg-$interface"
  ifdown "$interface"
  ifup "$interface"
}

with_ifupdown() {
  for file in /etc/network/interfaces /etc/network/interfaces.d/*; do
    [ -f "$file" ] && sed -i "s/^[[:space:]]*iface $interface inet dhcp/# before azure-failback: &/" "$file"
  done
  ifdown "$interface" 2>/dev/null
  mkdir -p /etc/network/interfaces.d
  {
    echo "auto $interface"
    echo "iface $interface inet static"
    echo "  address $address/$prefix"
    [ -n "$gateway" ] && echo "  gateway $gateway"
    [ -n "$dns" ] && echo "  dns-nameservers $dns"
  } >"/etc/network/interfaces.d/azure-failback-$interface"
  grep -q "interfaces.d" /etc/network/interfaces ||
    echo "source /etc/network/interfaces.d/*" >>/etc/network/interfaces
  ifup "$interface"
}

if active NetworkManager && command -v nmcli >/dev/null 2>&1; then with_network_manager
elif [ -d /etc/netplan ] && command -v netplan >/dev/null 2>&1; then with_netplan
elif active systemd-networkd; then with_networkd
elif [ -d /etc/sysconfig/network-scripts ]; then with_ifcfg
elif [ -f /etc/network/interfaces ]; then with_ifupdown
else exit 11
fi
for try in 1 2 3 4 5 6 7 8 9 10; do
  has_address && exit 0
  sleep 1
done
exit 12
`;
