using System.Management.Automation;
using DbBackup.Engine.Repository.Signatures;
using DbBackup.PowerShell.Parameters;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Lists who has signed the backups of a repository, and this user's own key.</summary>
[Cmdlet(VerbsCommon.Get, "DbBackupSigner")]
[OutputType(typeof(BackupSigner))]
[ParameterGroup<RepositoryParameters>(Members = [nameof(Repository)])]
public sealed partial class GetDbBackupSignerCommand : RepositoryCommandBase
{
    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(Repository, () =>
        WriteObject(Run((_, token) => new BackupSigners(OpenRepository(Repository)).ListAsync(token)), enumerateCollection: true));
}
