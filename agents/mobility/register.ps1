<#
.SYNOPSIS
Registers this Windows guest with the configuration server of its site. Safe to run again and again.
.PARAMETER Url
The configuration server's .../mobility/register.
.PARAMETER PassphraseFile
File that holds the passphrase of the site.
.PARAMETER VmId
Id of the VM on its hypervisor.
#>
param(
    [Parameter(Mandatory = $true)][string]$Url,
    [Parameter(Mandatory = $true)][string]$PassphraseFile,
    [Parameter(Mandatory = $true)][string]$VmId
)
$ErrorActionPreference = 'Stop'
$passphrase = (Get-Content -Raw -Path $PassphraseFile).TrimEnd("`r", "`n")
# The passphrase itself never leaves the guest: the proof shows that we know it.
$hmac = New-Object System.Security.Cryptography.HMACSHA256
$hmac.Key = [System.Text.Encoding]::UTF8.GetBytes($passphrase)
$hash = $hmac.ComputeHash([System.Text.Encoding]::UTF8.GetBytes("mobility:$VmId"))
$proof = ([System.BitConverter]::ToString($hash) -replace '-', '').ToLowerInvariant()
$body = @{ vmId = $VmId; hostName = $env:COMPUTERNAME; version = '0.1.0'; proof = $proof } | ConvertTo-Json -Compress
Invoke-RestMethod -Method Post -Uri $Url -Body $body -ContentType 'application/json'
