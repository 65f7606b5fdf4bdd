/** For PowerShell 3 and later, after lines that set its variables. Ends with 0 only when the adapter has the address. */
export const STATIC_ADDRESS = String.raw`
$ErrorActionPreference = 'Stop'
$adapter = Get-NetAdapter | Where-Object -Property MacAddress -EQ -Value $mac
if ($null -eq $adapter) { exit 10 }
$index = $adapter.ifIndex
Set-NetIPInterface -InterfaceIndex $index -AddressFamily IPv4 -Dhcp Disabled
Remove-NetRoute -InterfaceIndex $index -AddressFamily IPv4 -DestinationPrefix '0.0.0.0/0' -Confirm:$false -ErrorAction SilentlyContinue
Remove-NetIPAddress -InterfaceIndex $index -AddressFamily IPv4 -Confirm:$false -ErrorAction SilentlyContinue
New-NetIPAddress -InterfaceIndex $index -IPAddress $address -PrefixLength $prefix | Out-Null
if ($gateway -ne '') { New-NetRoute -InterfaceIndex $index -DestinationPrefix '0.0.0.0/0' -NextHop $gateway | Out-Null }
if ($dns -ne '') { Set-DnsClientServerAddress -InterfaceIndex $index -ServerAddresses $dns.Split(' ') }
if ($null -eq (Get-NetIPAddress -InterfaceIndex $index -IPAddress $address)) { exit 12 }
exit 0
`;
