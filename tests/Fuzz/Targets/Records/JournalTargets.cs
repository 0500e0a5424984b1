using System.Text.Json;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Pausing;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Restores;
using DbBackup.Upgrades;

namespace DbBackup.Tests.Fuzz.Targets.Records;

/// <summary>
/// The journal of a restore that was killed, beside a database. It is only read: what it names is deleted and moved by the recovery, which a
/// test that runs as root does not do with names that chance made.
/// </summary>
internal sealed class RestoreJournalTarget : FuzzTarget
{
    public override InputForm Form => InputForm.Json;

    public override IReadOnlyList<string> Words => ["swap ", "undo\n", "done\n", "\n", "Sqlite", "../x"];

    public override IEnumerable<byte[]> Seeds()
    {
        StagedSwap file = StagedSwap.For(Folder["app.db"], isFolder: false, replaces: true) with { Engine = "SQLite" };
        StagedSwap folder = StagedSwap.For(Folder["uploads"], isFolder: true, replaces: true);
        string content = JsonSerializer.Serialize(new { Owner = Owners.Dead, Renames = new[] { file, folder }, Writes = new[] { file } });
        string swap = JsonSerializer.Serialize(new { Commit = (CommitPoint?)null, Record = (PendingRecord?)null });
        return [Utf8(content + "\n"), Utf8($"{content}\nswap {swap}\n"), Utf8($"{content}\nswap {swap}\nundo\n"), Utf8($"{content}\nswap {swap}\ndone\n")];
    }

    public override object? Run(byte[] input)
    {
        File.WriteAllBytes(Folder[".dbbackup-restore-0123456789abcdef0123456789abcdef.json"], input);
        IReadOnlyList<RestoreJournal.Abandoned> found = RestoreJournal.FindAbandoned(Folder.Path);
        foreach (RestoreJournal.Abandoned journal in found)
        {
            foreach (StagedSwap swap in journal.Renames.Concat(journal.Writes))
                Require(swap.IsWellFormed && Path.GetDirectoryName(swap.Old) == Folder.Path, "a journal that counts names what lies beside it under names of ours");
        }

        return found is [var only] ? only.Progress : found.Count;
    }
}

/// <summary>The journal of an upgrade.</summary>
internal sealed class UpgradeJournalTarget : FuzzTarget
{
    public override InputForm Form => InputForm.Json;

    public override IReadOnlyList<string> Words => ["sqlite", "server", "container", "compose", "Migration", "Running", "$type"];

    public override IEnumerable<byte[]> Seeds()
    {
        UpgradeRecord Record(UpgradeSubject subject) => new()
        {
            Id = "app-20260101T000000Z",
            Owner = Owners.Dead,
            Request = new UpgradeRequest { Subject = subject, Migrate = "alembic upgrade head", Checks = ["true"] },
            Target = "/srv/app.db",
            Started = DateTimeOffset.UnixEpoch,
            Repository = "/mnt/backups",
            BackupSource = "app",
            BackupName = "one",
            Steps =
            [
                new UpgradeStep { Name = UpgradeSteps.Maintenance, State = UpgradeStepState.Done, Started = DateTimeOffset.UnixEpoch, Duration = TimeSpan.FromSeconds(1) },
                new UpgradeStep { Name = UpgradeSteps.Start, State = UpgradeStepState.Done, Started = DateTimeOffset.UnixEpoch, Duration = TimeSpan.FromSeconds(1) },
            ],
            Migration = Owners.Dead,
        };
        yield return JsonSerializer.SerializeToUtf8Bytes(Record(new UpgradeSubject.SqliteFile("/srv/app.db") { AdditionalPaths = ["/srv/uploads"] }));
        yield return JsonSerializer.SerializeToUtf8Bytes(Record(new UpgradeSubject.ComposeProject("shop") { Services = ["web"] }));
        yield return JsonSerializer.SerializeToUtf8Bytes(Record(new UpgradeSubject.Container("app") { Image = "app:2" }));
    }

    public override object? Run(byte[] input)
    {
        File.WriteAllBytes(Folder["foreign.json"], input);
        IReadOnlyList<UpgradeResult> results = new UpgradeService(Folder.Path).List();
        foreach (UpgradeResult result in results)
            _ = result.ToString();
        foreach (UpgradeRecord record in UpgradeJournal.List(Folder.Path))
            Require(record.Key is not null, "an upgrade that is listed has a key");
        return results is [var only] ? (only.State, only.Steps.Count) : results.Count;
    }
}

/// <summary>The journal of a pause.</summary>
internal sealed class PauseJournalTarget : FuzzTarget
{
    public override InputForm Form => InputForm.Json;

    public override IReadOnlyList<string> Words => ["given up\n", "\n", "Paused", "Stopped"];

    public override IEnumerable<byte[]> Seeds() =>
    [
        Utf8(JsonSerializer.Serialize(new PauseNote(Owners.Dead, Owners.Dead, DockerEndpoint.Default(windows: false), PauseMode.Paused, [new PausedContainer("0123", "app")])) + "\n"),
    ];

    public override object? Run(byte[] input)
    {
        string path = Folder["pause-0123456789abcdef0123456789abcdef.json"];
        File.WriteAllBytes(path, input);
        int found = 0;
        foreach (PauseJournal journal in PauseJournal.Abandoned(new PauseFolder(Folder.Path)))
        {
            using (journal)
            {
                Require(journal.Note.Endpoint.ToString().Length > 0, "a journal that counts names its engine");
                foreach (PausedContainer container in journal.Note.Containers)
                    Require(container.Id.Length > 0, "a journal that counts names its containers");
                found++;
            }
        }

        return found;
    }
}

/// <summary>The metadata of a backup that PATS made.</summary>
internal sealed class PatsMetadataTarget : FuzzTarget
{
    public override InputForm Form => InputForm.Json;

    public override IReadOnlyList<string> Words => ["../x.db", "uploads_included", "true"];

    public override IEnumerable<byte[]> Seeds() => [Utf8("""{"backup_name":"one","created_at":"2026-01-01T00:00:00","alembic_revision":"abc","database_file":"pats.db","uploads_included":true}""")];

    public override object? Run(byte[] input)
    {
        File.WriteAllBytes(Folder[PatsMetadata.FileName], input);
        PatsMetadata metadata = PatsMetadata.Read(Folder.Path);
        Require(Path.GetFullPath(Path.Combine(Folder.Path, metadata.DatabaseFile)).StartsWith(Folder.Path + "/", StringComparison.Ordinal), "the database is in its folder");
        return (metadata.Created is null, metadata.UploadsIncluded);
    }
}
