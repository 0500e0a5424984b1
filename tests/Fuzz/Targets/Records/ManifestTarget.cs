using System.Reflection;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Manifests;
using DbBackup.Testing;

namespace DbBackup.Tests.Fuzz.Targets.Records;

/// <summary>A manifest in a repository: it is listed, whatever it holds, and hides no other backup.</summary>
internal sealed class ManifestTarget : FuzzTarget
{
    private static readonly byte[] s_good = ManifestJson.Write(Sample("good"));

    public override InputForm Form => InputForm.Json;

    public override IReadOnlyList<string> Words => ["Full", "Zstd", "Gzip", "None", "Tar", "SqliteFile", "PostgreSqlCustom", "Globals", "Files", "../../etc", "a/b", "data/../x", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "sealed", "docker:///container/x"];

    public override IEnumerable<byte[]> Seeds() => [s_good];

    public override object? Run(byte[] input)
    {
        Manifest? manifest = ManifestJson.Read(input, out string? problem);
        Require(manifest is not null || problem is { Length: > 0 }, "what is not read is explained");
        // Of sealed details only the holder of the key can write the rest again.
        if (manifest is { IsSealed: false } && problem is null)
        {
            byte[] written = ManifestJson.Write(manifest);
            Require(written.AsSpan().SequenceEqual(ManifestJson.Write(ManifestJson.Read(written, out _)!)), "a manifest is read as it was written");
        }

        var bucket = new MemoryBucket();
        bucket.PutAsync("app/good/backup.json", s_good, CancellationToken.None).GetAwaiter().GetResult();
        bucket.PutAsync("app/foreign/backup.json", input, CancellationToken.None).GetAwaiter().GetResult();
        IReadOnlyList<Backup> listed = new BackupRepository(bucket).ListAsync(null, CancellationToken.None).GetAwaiter().GetResult();
        Require(listed.Any(backup => backup.Name == "good" && backup.IsGood), "one manifest hides no other");
        // As a table or Format-List shows it.
        foreach (Backup backup in listed)
            Show(backup, 0);
        // Without the names in it.
        return (manifest is null, manifest?.Payloads.Count, problem?.Split('\'')[0]);
    }

    private static void Show(object? shown, int depth)
    {
        if (shown is null || depth > 6)
            return;
        _ = shown.ToString();
        if (shown is string or ValueType)
            return;
        if (shown is System.Collections.IEnumerable items)
        {
            foreach (object? item in items)
                Show(item, depth + 1);
            return;
        }

        if (shown.GetType().Assembly != typeof(Backup).Assembly)
            return;
        foreach (PropertyInfo property in shown.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.GetIndexParameters().Length == 0))
        {
            try
            {
                Show(property.GetValue(shown), depth + 1);
            }
            catch (TargetInvocationException exception)
            {
                throw new PropertyException($"{property.DeclaringType!.Name}.{property.Name} can be shown, and not {exception.InnerException!.GetType().Name}");
            }
        }
    }

    private static Manifest Sample(string name)
    {
        string hash = new('a', 64);
        var created = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
        return new Manifest
        {
            Id = new Guid("7b0b3f0c-0000-4000-8000-000000000001"),
            Name = name,
            Created = created,
            Completed = created.AddSeconds(2),
            DurationSeconds = 2,
            Sequence = 3,
            Source = new SourceInfo { Name = "app", Engine = "PostgreSQL", EngineVersion = "17.2", Location = "postgresql://host:5432/app" },
            Payloads =
            [
                new Payload
                {
                    FileName = "app.dump",
                    Kind = PayloadKind.Database,
                    Format = PayloadFormat.PostgreSqlCustom,
                    Compression = PayloadCompression.None,
                    OriginalSize = 1000,
                    StoredSize = 1000,
                    OriginalSha256 = hash,
                    StoredSha256 = hash,
                    RestoreName = "app",
                    SchemaRevision = "abc",
                    Database = new DatabaseInfo
                    {
                        Name = "app",
                        Owner = "me",
                        Settings = [new DatabaseSetting("TimeZone", "UTC", "me")],
                        Grants = [new DatabaseGrant("CONNECT", false, "me")],
                        Roles = ["me"],
                        PolicyRoles = ["other"],
                        Extensions = [new DatabaseExtension("citext", "1.6")],
                        ServerVersion = "17.2",
                    },
                    Fingerprint = new Fingerprint
                    {
                        Level = FingerprintLevel.Content,
                        SchemaSha256 = hash,
                        Tables = [new TableFingerprint("public.notes", 5, hash), new TableFingerprint("public.other", 7)],
                        Settings = new Dictionary<string, string> { ["a"] = "b" },
                        Objects = new Dictionary<string, long> { ["index"] = 2 },
                        Sequences = [new SequenceFingerprint("public.s", 4, 6)],
                    },
                },
                new Payload
                {
                    FileName = "uploads.tar.zst",
                    Kind = PayloadKind.Files,
                    Format = PayloadFormat.Tar,
                    Compression = PayloadCompression.Zstd,
                    OriginalSize = 2000,
                    StoredSize = 500,
                    OriginalSha256 = hash,
                    StoredSha256 = hash,
                    RestoreName = "uploads",
                    OriginalPath = "/srv/uploads",
                    EntryCount = 3,
                    UnixMode = "755",
                    UnixOwner = "0:0",
                },
                new Payload
                {
                    FileName = "inner.db.gz",
                    Kind = PayloadKind.Database,
                    Format = PayloadFormat.SqliteFile,
                    Compression = PayloadCompression.Gzip,
                    OriginalSize = 4096,
                    StoredSize = 300,
                    OriginalSha256 = hash,
                    StoredSha256 = hash,
                    RestoreName = "inner.db",
                    Within = "uploads/inner.db",
                },
            ],
            Git = new GitInfo("0123abc", "main"),
            Tags = ["nightly"],
            Host = "host",
            ModuleVersion = "0.1.0",
            Tools = new Dictionary<string, string> { ["pg_dump"] = "17.2" },
            Pause = new PauseInfo(PauseMode.Paused, 12.5, ["app"]),
            ImportedFrom = "/tmp/x",
            Notes = ["a note"],
            Kept = null,
        };
    }
}

/// <summary>A record of a test.</summary>
internal sealed class TestRecordTarget : FuzzTarget
{
    public override InputForm Form => InputForm.Json;

    public override IReadOnlyList<string> Words => ["Matched", "Damaged", "Unreadable", "Restore", "Checksum", "Content"];

    public override IEnumerable<byte[]> Seeds() =>
        [ManifestJson.WriteTest(new TestRecord { Tested = DateTimeOffset.UnixEpoch, Level = BackupTestLevel.Restore, Reached = BackupStatus.Matched, Passed = true, Host = "host", ManifestSha256 = new string('a', 64) })];

    // The hash of what was changed: a record with another is not even read.
    public override byte[] Repair(byte[] input, Random random)
    {
        try
        {
            return Resealed.Of(System.Text.Encoding.UTF8.GetString(input));
        }
        catch (Exception exception) when (exception is System.Text.Json.JsonException or InvalidOperationException or ArgumentException)
        {
            return input;
        }
    }

    public override object? Run(byte[] input)
    {
        TestRecord? record = ManifestJson.ReadTest(input);
        return record is null ? null : record.ToString()!.Length > 0;
    }
}
