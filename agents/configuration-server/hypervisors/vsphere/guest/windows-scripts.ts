/** The tools that brought this here run already: then Start-Service does nothing. */
export const TOOLS = String.raw`
$ErrorActionPreference = 'Stop'
Set-Service -Name VMTools -StartupType Automatic
Start-Service -Name VMTools
exit 0
`;

/**
 * For PowerShell 3 and later, after lines that set its variables, which are '' for what there is not. Ends with 0 only
 * when the adapter has the addresses. A family without an address stays automatic.
 */
export const STATIC_ADDRESS = String.raw`
$ErrorActionPreference = 'Stop'
$adapter = Get-NetAdapter | Where-Object -Property MacAddress -EQ -Value $mac
if ($null -eq $adapter) { exit 10 }
$index = $adapter.ifIndex
function Set-Address([string]$family, [string]$address, [string]$prefix, [string]$gateway, [string]$default) {
  if ($address -eq '') { return }
  Set-NetIPInterface -InterfaceIndex $index -AddressFamily $family -Dhcp Disabled
  Remove-NetRoute -InterfaceIndex $index -AddressFamily $family -DestinationPrefix $default -Confirm:$false -ErrorAction SilentlyContinue
  Get-NetIPAddress -InterfaceIndex $index -AddressFamily $family -ErrorAction SilentlyContinue | Where-Object -Property PrefixOrigin -NE -Value WellKnown | Remove-NetIPAddress -Confirm:$false -ErrorAction SilentlyContinue
  New-NetIPAddress -InterfaceIndex $index -IPAddress $address -PrefixLength $prefix | Out-Null
  if ($gateway -ne '') { New-NetRoute -InterfaceIndex $index -DestinationPrefix $default -NextHop $gateway | Out-Null }
  if ($null -eq (Get-NetIPAddress -InterfaceIndex $index -IPAddress $address)) { exit 12 }
}
Set-Address IPv4 $address $prefix $gateway '0.0.0.0/0'
Set-Address IPv6 $address6 $prefix6 $gateway6 '::/0'
if ($dns -ne '') { Set-DnsClientServerAddress -InterfaceIndex $index -ServerAddresses $dns.Split(' ') }
exit 0
`;
