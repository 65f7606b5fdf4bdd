<#
.SYNOPSIS
The mobility agent of a Windows guest: makes it known to the configuration server of its site. Safe to run again.
.DESCRIPTION
With -VmId it registers once. With -Install, while the machine is still in Azure, it makes a scheduled task that does at
every boot what -AtBoot does: under VMware it starts VMware Tools and registers; elsewhere it does nothing.
.PARAMETER Url
The configuration server's .../mobility/register.
.PARAMETER PassphraseFile
File that holds the passphrase of the site.
.PARAMETER VmId
Id of the VM on its hypervisor.
.PARAMETER Install
Makes the scheduled task. Needs Windows Server 2012 or later, and an administrator.
.PARAMETER AtBoot
What the scheduled task does.
#>
[CmdletBinding(DefaultParameterSetName = 'Register')]
param(
    [Parameter(Mandatory = $true, ParameterSetName = 'Install')][switch]$Install,
    [Parameter(Mandatory = $true, ParameterSetName = 'AtBoot')][switch]$AtBoot,
    [Parameter(Mandatory = $true, ParameterSetName = 'Register')]
    [Parameter(Mandatory = $true, ParameterSetName = 'Install')][string]$Url,
    [Parameter(Mandatory = $true, ParameterSetName = 'Register')]
    [Parameter(Mandatory = $true, ParameterSetName = 'Install')][string]$PassphraseFile,
    [Parameter(Mandatory = $true, ParameterSetName = 'Register')][string]$VmId
)
$ErrorActionPreference = 'Stop'
$taskName = 'azure-failback mobility agent'
# Only administrators can write there, and the task runs what it finds there as SYSTEM.
$folder = Join-Path -Path $env:ProgramFiles -ChildPath 'azure-failback'
$retrySeconds = 15

function Write-Log([string]$Text) {
    $line = '{0} {1}' -f (Get-Date).ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ssZ'), $Text
    Write-Output $line
    Add-Content -Path (Join-Path -Path $folder -ChildPath 'mobility.log') -Value $line
}

# State of VMware Tools: '' where nobody asked for it.
function Send-Registration([string]$To, [string]$SecretFile, [string]$Id, [string]$Tools) {
    $text = [System.IO.File]::ReadAllText((Resolve-Path -Path $SecretFile).ProviderPath)
    $passphrase = $text.TrimEnd("`r", "`n")
    # The passphrase itself never leaves the guest: the proof shows that we know it.
    $hmac = New-Object System.Security.Cryptography.HMACSHA256
    $hmac.Key = [System.Text.Encoding]::UTF8.GetBytes($passphrase)
    $hash = $hmac.ComputeHash([System.Text.Encoding]::UTF8.GetBytes("mobility:$Id"))
    $proof = ([System.BitConverter]::ToString($hash) -replace '-', '').ToLowerInvariant()
    $registration = @{ vmId = $Id; hostName = $env:COMPUTERNAME; version = '0.1.0'; proof = $proof }
    if ($Tools -ne '') { $registration['vmwareTools'] = $Tools }
    $body = $registration | ConvertTo-Json -Compress
    Invoke-RestMethod -Method Post -Uri $To -Body $body -ContentType 'application/json' -TimeoutSec 60 | Out-Null
}

# Starts them, now and at every boot, and says what came of it: running, failed or notInstalled.
function Start-VMwareTools {
    if ($null -eq (Get-Service -Name VMTools -ErrorAction SilentlyContinue)) { return 'notInstalled' }
    try {
        # The failover to Azure disables the service.
        Set-Service -Name VMTools -StartupType Automatic
        Start-Service -Name VMTools
        return 'running'
    } catch {
        return 'failed'
    }
}

function Invoke-Boot {
    $machine = Get-CimInstance -ClassName Win32_ComputerSystemProduct
    if ($machine.Vendor -notlike 'VMware*') {
        Write-Log "This machine does not run under VMware ($($machine.Vendor)): nothing to do."
        return
    }
    $to = (Get-Content -Raw -Path (Join-Path -Path $folder -ChildPath 'registration-url')).Trim()
    $secretFile = Join-Path -Path $folder -ChildPath 'passphrase'
    # The only id of a VM that its guest can see.
    $id = $machine.UUID.ToLowerInvariant()
    while ($true) {
        $tools = Start-VMwareTools
        Write-Log "VMware Tools: $tools"
        if ($tools -eq 'notInstalled') {
            Write-Log 'Install VMware Tools from the console of the VM: Windows brings none of its own.'
        }
        try {
            Send-Registration -To $to -SecretFile $secretFile -Id $id -Tools $tools
            Write-Log "Registered as $id at $to."
            return
        } catch {
            # The machine may have no address yet, or the server may be away.
            Write-Log "It could not register: $($_.Exception.Message)"
            Start-Sleep -Seconds $retrySeconds
        }
    }
}

# A file is not copied onto itself when this is run from where it was installed.
function Copy-Into([string]$From, [string]$To) {
    if ((Resolve-Path -Path $From).ProviderPath -ne $To) { Copy-Item -Force -Path $From -Destination $To }
}

function Install-Task {
    New-Item -ItemType Directory -Force -Path $folder | Out-Null
    # SYSTEM and administrators, whatever the language of this Windows calls them: the passphrase lies there.
    & icacls.exe $folder /inheritance:r /grant:r '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F' | Out-Null
    if ($LASTEXITCODE -ne 0) { throw "The folder $folder cannot be closed to others." }
    $script = Join-Path -Path $folder -ChildPath 'register.ps1'
    Copy-Into -From $PSCommandPath -To $script
    Copy-Into -From $PassphraseFile -To (Join-Path -Path $folder -ChildPath 'passphrase')
    Set-Content -Path (Join-Path -Path $folder -ChildPath 'registration-url') -Value $Url
    $arguments = "-NoProfile -NonInteractive -ExecutionPolicy Bypass -File `"$script`" -AtBoot"
    $task = @{
        TaskName  = $taskName
        Action    = New-ScheduledTaskAction -Execute 'powershell.exe' -Argument $arguments
        Trigger   = New-ScheduledTaskTrigger -AtStartup
        Principal = New-ScheduledTaskPrincipal -UserId 'S-1-5-18' -LogonType ServiceAccount -RunLevel Highest
        Settings  = New-ScheduledTaskSettingsSet -StartWhenAvailable -ExecutionTimeLimit (New-TimeSpan -Days 1)
    }
    Register-ScheduledTask -Force @task | Out-Null
    Start-ScheduledTask -TaskName $taskName
    Write-Log "Installed: the task '$taskName' runs at every boot."
}

switch ($PSCmdlet.ParameterSetName) {
    'Install' { Install-Task }
    'AtBoot' { Invoke-Boot }
    default { Send-Registration -To $Url -SecretFile $PassphraseFile -Id $VmId -Tools '' }
}
