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
 * Arguments: MAC address, address, prefix length, gateway, the same three of IPv6, DNS servers with blanks between them;
 * - for each that there is not. Writes the settings where the guest keeps its own, and ends with 0 only when the interface
 * has the addresses. A family without an address stays automatic.
 */
export const STATIC_ADDRESS = String.raw`
set -u
given() { [ "$1" = - ] || echo "$1"; }
mac=$1
address=$(given "$2") prefix=$(given "$3") gateway=$(given "$4")
address6=$(given "$5") prefix6=$(given "$6") gateway6=$(given "$7")
dns=$(given "$8")
interface=
for file in /sys/class/net/*/address; do
  [ "$(cat "$file")" = "$mac" ] || continue
  interface=$(basename "$(dirname "$file")")
done
[ -n "$interface" ] || exit 10
active() { systemctl is-active --quiet "$1" 2>/dev/null; }
shown() { ip "$1" -o addr show dev "$interface" | grep -qF " $2 "; }
has_addresses() {
  { [ -z "$address" ] || shown -4 "$address/$prefix"; } &&
    { [ -z "$address6" ] || shown -6 "$address6/$prefix6"; }
}
dns_of() {
  list=
  for server in $dns; do
    case $server in *:*) family=6 ;; *) family=4 ;; esac
    case $1 in *$family*) list="$list${'${'}list:+,}$2$server$2" ;; esac
  done
  echo "$list"
}

with_network_manager() {
  name=azure-failback-$interface
  nmcli connection delete "$name" >/dev/null 2>&1
  set -- type ethernet con-name "$name" ifname "$interface" connection.autoconnect-priority 100
  if [ -n "$address" ]; then
    set -- "$@" ipv4.method manual ipv4.addresses "$address/$prefix"
    [ -n "$gateway" ] && set -- "$@" ipv4.gateway "$gateway"
  fi
  [ -n "$(dns_of 4 '')" ] && set -- "$@" ipv4.dns "$(dns_of 4 '')"
  if [ -n "$address6" ]; then
    set -- "$@" ipv6.method manual ipv6.addresses "$address6/$prefix6"
    [ -n "$gateway6" ] && set -- "$@" ipv6.gateway "$gateway6"
  fi
  [ -n "$(dns_of 6 '')" ] && set -- "$@" ipv6.dns "$(dns_of 6 '')"
  nmcli connection add "$@" && nmcli connection up "$name"
}

with_netplan() {
  addresses=$address${'${'}address:+/$prefix}
  [ -n "$address6" ] && addresses="$addresses${'${'}addresses:+, }'$address6/$prefix6'"
  routes=
  [ -n "$gateway" ] && routes="{to: 0.0.0.0/0, via: $gateway}"
  [ -n "$gateway6" ] && routes="$routes${'${'}routes:+, }{to: '::/0', via: '$gateway6'}"
  {
    echo "network:"
    echo "  version: 2"
    echo "  ethernets:"
    echo "    $interface:"
    echo "      match: {macaddress: '$mac'}"
    if [ -n "$address" ]; then echo "      dhcp4: false"; else echo "      dhcp4: true"; fi
    [ -n "$address6" ] && echo "      dhcp6: false"
    echo "      addresses: [$addresses]"
    [ -n "$routes" ] && echo "      routes: [$routes]"
    [ -n "$dns" ] && echo "      nameservers: {addresses: [$(dns_of 46 "'")]}"
  } >"/etc/netplan/99-azure-failback-$interface.yaml"
  chmod 600 "/etc/netplan/99-azure-failback-$interface.yaml"
  netplan apply
}

with_networkd() {
  {
    echo "[Match]"
    echo "MACAddress=$mac"
    echo "[Network]"
    if [ -n "$address" ]; then echo "DHCP=no"; else echo "DHCP=ipv4"; fi
    [ -n "$address" ] && echo "Address=$address/$prefix"
    [ -n "$gateway" ] && echo "Gateway=$gateway"
    [ -n "$address6" ] && echo "Address=$address6/$prefix6"
    [ -n "$gateway6" ] && echo "Gateway=$gateway6"
    for server in $dns; do echo "DNS=$server"; done
  } >"/etc/systemd/network/05-azure-failback-$interface.network"
  systemctl restart systemd-networkd
}

with_wicked() {
  {
    echo "STARTMODE='auto'"
    if [ -n "$address" ]; then echo "BOOTPROTO='static'"; else echo "BOOTPROTO='dhcp4'"; fi
    [ -n "$address" ] && echo "IPADDR='$address/$prefix'"
    [ -n "$address6" ] && echo "IPADDR_6='$address6/$prefix6'"
  } >"/etc/sysconfig/network/ifcfg-$interface"
  {
    [ -n "$gateway" ] && echo "default $gateway - $interface"
    [ -n "$gateway6" ] && echo "default $gateway6 - $interface"
  } >"/etc/sysconfig/network/ifroute-$interface"
  config=/etc/sysconfig/network/config
  if [ -n "$dns" ]; then
    # Of all cards together: those of others stay.
    servers=$(sed -n 's/^NETCONFIG_DNS_STATIC_SERVERS="\(.*\)"/\1/p' "$config" 2>/dev/null)
    for server in $dns; do
      case " $servers " in *" $server "*) ;; *) servers="$servers${'${'}servers:+ }$server" ;; esac
    done
    sed -i '/^NETCONFIG_DNS_STATIC_SERVERS=/d' "$config" 2>/dev/null
    echo "NETCONFIG_DNS_STATIC_SERVERS=\"$servers\"" >>"$config"
    netconfig update -f
  fi
  wicked ifreload "$interface" || wicked ifup "$interface"
}

with_ifcfg() {
  {
    echo "DEVICE=$interface"
    echo "HWADDR=$mac"
    echo "ONBOOT=yes"
    if [ -n "$address" ]; then
      echo "BOOTPROTO=none"
      echo "IPADDR=$address"
      echo "PREFIX=$prefix"
      [ -n "$gateway" ] && echo "GATEWAY=$gateway"
    else echo "BOOTPROTO=dhcp"; fi
    if [ -n "$address6" ]; then
      echo "IPV6INIT=yes"
      echo "IPV6_AUTOCONF=no"
      echo "IPV6ADDR=$address6/$prefix6"
      [ -n "$gateway6" ] && echo "IPV6_DEFAULTGW=$gateway6"
    fi
    number=1
    for server in $dns; do echo "DNS$number=$server"; number=$((number + 1)); done
  } >"/etc/sysconfig/network-scripts/ifcfg-$interface"
  ifdown "$interface"
  ifup "$interface"
}

with_ifupdown() {
  families=
  [ -n "$address" ] && families='inet dhcp'
  [ -n "$address6" ] && families="$families${'${'}families:+\|}inet6 \(auto\|dhcp\)"
  for file in /etc/network/interfaces /etc/network/interfaces.d/*; do
    [ -f "$file" ] && sed -i "s/^[[:space:]]*iface $interface \($families\)/# before azure-failback: &/" "$file"
  done
  ifdown "$interface" 2>/dev/null
  mkdir -p /etc/network/interfaces.d
  {
    echo "auto $interface"
    names=$dns
    if [ -n "$address" ]; then
      echo "iface $interface inet static"
      echo "  address $address/$prefix"
      [ -n "$gateway" ] && echo "  gateway $gateway"
      [ -n "$names" ] && echo "  dns-nameservers $names"
      names=
    fi
    if [ -n "$address6" ]; then
      echo "iface $interface inet6 static"
      echo "  address $address6/$prefix6"
      [ -n "$gateway6" ] && echo "  gateway $gateway6"
      [ -n "$names" ] && echo "  dns-nameservers $names"
    fi
  } >"/etc/network/interfaces.d/azure-failback-$interface"
  grep -q "interfaces.d" /etc/network/interfaces ||
    echo "source /etc/network/interfaces.d/*" >>/etc/network/interfaces
  ifup "$interface"
}

if active NetworkManager && command -v nmcli >/dev/null 2>&1; then with_network_manager
elif [ -d /etc/netplan ] && command -v netplan >/dev/null 2>&1; then with_netplan
elif active systemd-networkd; then with_networkd
elif [ -d /etc/sysconfig/network ] && command -v wicked >/dev/null 2>&1; then with_wicked
elif [ -d /etc/sysconfig/network-scripts ]; then with_ifcfg
elif [ -f /etc/network/interfaces ]; then with_ifupdown
else exit 11
fi
for try in 1 2 3 4 5 6 7 8 9 10; do
  has_addresses && exit 0
  sleep 1
done
exit 12
`;
