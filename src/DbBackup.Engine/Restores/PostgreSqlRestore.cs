using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using DbBackup.Engine.Docker.Restore;
using DbBackup.Engine.Docker.Tunnel;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Load;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Verification;

namespace DbBackup.Engine.Restores;

/// <summary>
/// Restores databases of a PostgreSQL server, with the folders that were backed up with them. Each database is made beside, compared with
/// its fingerprint, and gets its name in one transaction; what had the name is kept under another one.
/// </summary>
internal sealed class PostgreSqlRestore : PreparedRestore
{
    private readonly BackupRepository _repository;
    private readonly RestoreRequest _request;
    private readonly IReadOnlyList<PostgreSqlRestoreItem> _items;
    private readonly PostgreSqlConnectionSettings _server;
    private readonly RestorePlan? _files;
    private readonly ServerUsers? _users;
    private readonly ContainerFilesRestore? _containerFiles;

    private PostgreSqlRestore(BackupRepository repository, RestoreRequest request, PostgreSqlRestorePlanner.Outcome outcome)
    {
        _repository = repository;
        _request = request;
        _server = outcome.Server;
        _items = outcome.Items;
        _files = outcome.Files;
        _users = outcome.Users;
        _containerFiles = outcome.ContainerFiles;
        Plan = outcome.Plan;
    }

    public override RestorePlan Plan { get; }

    public static async Task<PostgreSqlRestore> PlanAsync(
        BackupRepository repository, RestoreRequest request, bool changeNothing, IOperationObserver observer, CancellationToken cancellationToken)
    {
        PostgreSqlRestorePlanner.Outcome outcome = await PostgreSqlRestorePlanner.PlanAsync(repository, request, changeNothing, observer, cancellationToken).ConfigureAwait(false);
        return new PostgreSqlRestore(repository, request, outcome);
    }

    public override async Task<RestoreResult> RunAsync(IOperationObserver observer, CancellationToken cancellationToken)
    {
        var duration = Stopwatch.StartNew();
        Manifest manifest = BackupRepository.RequireManifest(_request.Backup);
        var key = new BackupKey(_request.Backup.Source, _request.Backup.Name);
        await using ConfiguredAsyncDisposable claim = (await _repository.ProtectAsync(key, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        var content = new BackupContent(manifest, file => _repository.OpenRead(key, file));
        using LocalWorkspace scratch = await _repository.OpenScratchAsync(
            _request.StagingPath, _items.Count == 0 ? 0 : _items.Max(item => item.Payload.OriginalSize), cancellationToken).ConfigureAwait(false);
        var run = new PostgreSqlRestoreRun(_repository, _request, content, scratch.Path, observer, $"Restoring {_request.Backup}");
        try
        {
            await CreateRolesAsync(content, cancellationToken).ConfigureAwait(false);
            foreach (PostgreSqlRestoreItem item in _items)
                await run.StageAsync(_server, item, cancellationToken).ConfigureAwait(false);
            string? revision = _items is [var one] ? manifest.SchemaRevisionOf(one.Payload) : null;
            RestoreResult? files = null;
            TimeSpan? downtime = null;
            IReadOnlyList<string> left = [];
            if (_containerFiles is not null)
            {
                files = await _containerFiles.RunAsync(run.FinishAsync, _users?.Containers ?? [], OtherCode(revision), observer, cancellationToken).ConfigureAwait(false);
                (downtime, left) = (files.Downtime, files.LeftStopped);
            }
            else if (_users is { Containers.Count: > 0 })
            {
                using SharedDockerClient.Lease docker = await _users.Server.UseClientAsync(cancellationToken).ConfigureAwait(false);
                ApplicationStop stop = await ApplicationStop.BeginAsync(docker.Client, _users.Containers, observer, cancellationToken).ConfigureAwait(false);
                await using ConfiguredAsyncDisposable stopped = stop.ConfigureAwait(false);
                await FinishAsync(run, observer, cancellationToken).ConfigureAwait(false);
                left = await stop.EndAsync(OtherCode(revision), observer, cancellationToken).ConfigureAwait(false);
                downtime = stop.Downtime;
            }
            else
            {
                files = await FinishAsync(run, observer, cancellationToken).ConfigureAwait(false);
            }

            await run.AnalyzeAsync(cancellationToken).ConfigureAwait(false);
            return new RestoreResult
            {
                Name = _request.Backup.Name,
                Source = _request.Backup.Source,
                Restored = [.. Plan.Targets.Select(target => target.Path)],
                Status = run.Status,
                SafetyBackup = run.Safety ?? files?.SafetyBackup,
                KeptAside = files?.KeptAside ?? [],
                SchemaRevision = revision,
                PreviousSchemaRevision = Plan.PresentRevision,
                NextCommands = MigrationCommands.For(revision, Plan.PresentRevision),
                Interruption = run.Interruption,
                Downtime = downtime,
                LeftStopped = left,
                Duration = duration.Elapsed,
            };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw DiskFailures.From(exception, scratch.Path, $"restoring '{_request.Backup}'");
        }
        finally
        {
            await run.AbandonAsync().ConfigureAwait(false);
        }
    }

    private async Task<RestoreResult?> FinishAsync(PostgreSqlRestoreRun run, IOperationObserver observer, CancellationToken cancellationToken)
    {
        if (_files is not null)
            return await new RestoreService(_repository).RunAsync(_files, _request.LockTimeout, run.FinishAsync, observer, cancellationToken).ConfigureAwait(false);
        await run.FinishAsync(cancellationToken).ConfigureAwait(false);
        return null;
    }

    // The code that ran on the present revision may not know the restored one, or would migrate it by itself at its start.
    private bool OtherCode(string? revision) => !_request.Force && revision is not null && Plan.PresentRevision is { } present && revision != present;

    // In one transaction, and before anything else: the databases' objects will belong to them.
    private async Task CreateRolesAsync(BackupContent content, CancellationToken cancellationToken)
    {
        if (Plan.NewRoles.Count == 0)
            return;
        Payload globals = content.Manifest.Payloads.First(payload => payload.Kind == PayloadKind.Globals);
        string script = RoleScript.For(await ReadGlobalsAsync(content, globals, cancellationToken).ConfigureAwait(false), Plan.NewRoles);
        PostgreSqlClient client = await PostgreSqlClients.ForArchiveAsync(_server.Route, null, null, cancellationToken).ConfigureAwait(false);
        using PostgreSqlSession maintenance = await PostgreSqlSession.OpenMaintenanceAsync(_server, null, cancellationToken).ConfigureAwait(false);
        using var text = new MemoryStream(Encoding.UTF8.GetBytes(script));
        await new DatabaseLoad(_server, maintenance.Database, client, new DatabaseLoadOptions()).FromTextAsync(text, inOneTransaction: true, cancellationToken).ConfigureAwait(false);
    }

    internal static async Task<string> ReadGlobalsAsync(BackupContent content, Payload globals, CancellationToken cancellationToken)
    {
        using var text = new MemoryStream();
        using PayloadReader reader = content.OpenOriginal(globals, cancellationToken);
        await reader.CopyToAsync(text, cancellationToken).ConfigureAwait(false);
        return Encoding.UTF8.GetString(text.ToArray());
    }
}

/// <summary>One database of a restore.</summary>
/// <param name="Payload">Its dump.</param>
/// <param name="Name">The name that it gets.</param>
/// <param name="Action">How.</param>
/// <param name="PresentRevision">The schema revision of what has the name now.</param>
/// <param name="Present">The properties of what has the name now; null where nothing has it.</param>
internal sealed record PostgreSqlRestoreItem(Payload Payload, string Name, RestoreAction Action, string? PresentRevision, DatabaseInfo? Present);
