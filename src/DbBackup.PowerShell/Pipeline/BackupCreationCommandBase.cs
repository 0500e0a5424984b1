using System.ComponentModel;
using System.Management.Automation;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Repository;
using DbBackup.PowerShell.Parameters;

namespace DbBackup.PowerShell.Pipeline;

/// <summary>A command that makes new backups: what New-DbBackup and Import-DbBackup share.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[ParameterGroup<RepositoryParameters>(Members = [nameof(Source)])]
[ParameterGroup<StagingParameters>]
[ParameterGroup<SealingParameters>]
public abstract partial class BackupCreationCommandBase : PathCommandBase
{
    /// <summary>The backup's name.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <summary>Why it is made.</summary>
    [Parameter]
    [ValidateSet(BackupReason.Manual, BackupReason.Scheduled, BackupReason.PreMigration)]
    public string Reason { get; set; } = BackupReason.Manual;

    /// <summary>Labels.</summary>
    [Parameter]
    public string[] Tag { get; set; } = [];

    /// <summary>How payloads are compressed.</summary>
    [Parameter]
    [ValidateSet("Auto", "Zstd", "Gzip", "None")]
    public string Compression { get; set; } = "Auto";

    /// <summary>The level of the compression.</summary>
    [Parameter]
    public int? CompressionLevel { get; set; }

    /// <summary>True if the backup is restored and compared before it counts.</summary>
    [Parameter]
    public SwitchParameter Verify { get; set; }

    /// <summary>Throws a backup away that does not prove itself.</summary>
    [Parameter]
    public SwitchParameter DiscardUnverified { get; set; }

    /// <summary>Accepts a new or another repository where a known one was before.</summary>
    [Parameter]
    public SwitchParameter AllowNewRepository { get; set; }

    // As they are written in manifests; at a prompt "zstd" will do.
    private static readonly string[] Reasons = [BackupReason.Manual, BackupReason.Scheduled, BackupReason.PreMigration];
    private static readonly string[] Compressions = [PayloadCompression.Zstd, PayloadCompression.Gzip, PayloadCompression.None];

    private protected BackupRequest Describe(IReadOnlyList<IBackupSource> sources) => new()
    {
        Sources = sources,
        Name = Name,
        SourceName = Source,
        Reason = Reasons.First(known => known.Equals(Reason, StringComparison.OrdinalIgnoreCase)),
        Tags = Tag,
        Compression = Compressions.FirstOrDefault(known => known.Equals(Compression, StringComparison.OrdinalIgnoreCase)),
        CompressionLevel = CompressionLevel,
        Verify = Verify || DiscardUnverified,
        DiscardUnverified = DiscardUnverified,
        AllowNewRepository = AllowNewRepository,
        StagingPath = GetStagingParameters().ToPath(ResolvePath),
        Sealing = GetSealingParameters().ToSealing(ResolvePath),
    };

    /// <summary>Asks if the preferences want it, makes the backup and emits it.</summary>
    /// <param name="request">The backup.</param>
    /// <param name="what">What is captured, for -WhatIf and the question.</param>
    /// <param name="action">The verb.</param>
    private protected void Create(BackupRequest request, string what, string action)
    {
        BackupRepository repository = OpenRepository(Repository);
        string source = BackupService.ResolveSourceName(request);
        string name = request.Name ?? BackupName.Automatic(request.Import?.Created ?? DateTimeOffset.UtcNow, request.Reason);
        if (IsWhatIf())
            Check(token => new BackupService(repository).CheckAsync(request, token));
        if (!ShouldProcess($"{what} as '{source}/{name}' in '{repository.Location}'", action))
            return;
        try
        {
            WriteObject(Run((observer, token) => new BackupService(repository).CreateAsync(request, observer, token)));
        }
        catch (BackupUnprovedException failure)
        {
            // First the backup: -ErrorAction Stop ends the pipeline with the error.
            WriteObject(failure.Backup);
            throw;
        }
    }

    /// <summary>Runs the checks of what -WhatIf shows: it does not promise what would fail.</summary>
    private protected void Check(Func<CancellationToken, Task> check) => Run(async (_, token) =>
    {
        await check(token).ConfigureAwait(false);
        return true;
    });
}
