using System.Text.Json.Nodes;
using DbBackup.Engine.Portability;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Manifests;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Repository;

/// <summary>What a manifest may hold that this version does not know, and what of it can be sealed.</summary>
public sealed class ManifestTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;

    public ManifestTests() => _database = SampleDatabase.Create(_bench["app.db"]);

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("requires", "feature sealed")]
    [InlineData("method", "method Differential")]
    [InlineData("parts", "stored in parts")]
    [InlineData("kind", "payload kind Stream")]
    [InlineData("format", "payload format MySqlDump")]
    [InlineData("compression", "compression Brotli")]
    public async Task What_a_restore_must_know_and_this_version_does_not_is_listed_and_refused(string what, string words)
    {
        Backup good = await _bench.BackUpAsync(_database);
        Backup backup = await _bench.BackUpAsync(_database);
        Edit(backup, json =>
        {
            JsonNode payload = json["payloads"]![0]!;
            switch (what)
            {
                case "requires": json["requires"] = new JsonArray("sealed"); break;
                case "method": json["method"] = "Differential"; break;
                case "parts": payload["parts"] = new JsonArray(new JsonObject { ["key"] = "pats.db.1" }); break;
                case "kind": payload["kind"] = "Stream"; break;
                case "format": payload["format"] = "MySqlDump"; break;
                default: payload["compression"] = "Brotli"; break;
            }
        });

        IReadOnlyList<Backup> all = await _bench.ListAsync();

        Backup listed = Assert.Single(all, each => each.Name == backup.Name);
        Assert.Equal((backup.Id, backup.Engine, BackupStatus.Unreadable, false), (listed.Id, listed.Engine, listed.Status, listed.IsGood));
        Assert.Contains(words, listed.Problem, StringComparison.Ordinal);
        Assert.Equal(good.Name, Assert.Single(BackupSelection.LatestGood(all, null)).Name);
        foreach (Func<Task> use in (Func<Task>[])
            [
                () => _bench.RestoreAsync(listed),
                () => _bench.TestAsync(listed, BackupTestLevel.Checksum),
                () => new BackupExporter(_bench.Repository).ExportAsync(
                    new ExportRequest { Backup = listed, Destination = _bench["export"] }, _bench.Observer, CancellationToken.None),
            ])
        {
            BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(use);
            Assert.Equal(ErrorCodes.ManifestTooNew, failure.Code);
            Assert.Contains(words, failure.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("sealed details", "feature sealed")]
    [InlineData("another hash", "feature blake3")]
    [InlineData("another engine's properties", "payload format MySqlDump")]
    [InlineData("torn", "cannot be read")]
    public async Task A_manifest_of_another_shape_tells_what_it_needs_and_hides_no_other(string what, string words)
    {
        Backup good = await _bench.BackUpAsync(_database);
        Backup backup = await _bench.BackUpAsync(_database);
        Edit(backup, json =>
        {
            JsonNode payload = json["details"]!["payloads"]![0]!;
            switch (what)
            {
                case "sealed details": json["requires"] = new JsonArray("sealed"); json["details"] = "YWdl"; break;
                case "another hash": json["requires"] = new JsonArray("blake3"); payload["originalSha256"] = string.Empty; break;
                case "another engine's properties":
                    json["payloads"]![0]!["format"] = "MySqlDump";
                    payload["database"] = new JsonObject { ["name"] = "app", ["properties"] = new JsonObject { ["settings"] = "utf8mb4", ["roles"] = 3 } };
                    break;
                default: json["details"] = "torn"; break;
            }
        });

        IReadOnlyList<Backup> all = await _bench.ListAsync();

        Backup listed = Assert.Single(all, each => each.Name == backup.Name);
        Assert.Contains(words, listed.Problem, StringComparison.Ordinal);
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.RestoreAsync(listed));
        Assert.Equal(what == "torn" ? ErrorCodes.ManifestUnreadable : ErrorCodes.ManifestTooNew, failure.Code);
        Assert.Equal(BackupStatus.Written, Assert.Single(all, each => each.Name == good.Name).Status);
    }

    [Fact]
    public async Task What_a_later_version_adds_and_no_restore_depends_on_changes_nothing()
    {
        Backup backup = await _bench.BackUpAsync(_database);
        Edit(backup, json =>
        {
            json["reason"] = "Quarterly";
            JsonNode payload = json["details"]!["payloads"]![0]!;
            payload["fingerprint"]!["level"] = "Pages";
            json["details"]!["pause"] = new JsonObject { ["mode"] = "Quiesced", ["milliseconds"] = 7 };
            foreach (JsonNode each in new[] { json, json["source"]!, json["payloads"]![0]!, json["details"]!, payload, payload["fingerprint"]!, payload["fingerprint"]!["tables"]![0]! })
                each["later"] = new JsonObject { ["x"] = 1 };
        });

        Backup listed = Assert.Single(await _bench.ListAsync());

        Assert.Equal(("Quarterly", BackupStatus.Written, null), (listed.Reason, listed.Status, listed.Problem));
        Assert.Equal(BackupStatus.Matched, (await _bench.TestAsync(listed, BackupTestLevel.Restore)).Status);
        await _bench.RestoreAsync(listed);
    }

    [Fact]
    public async Task Nothing_of_the_content_is_outside_the_details()
    {
        Backup backup = await _bench.BackUpAsync(_database);
        JsonNode json = Read(backup);
        string whole = json.ToJsonString();
        Payload payload = backup.Manifest!.Payloads[0];
        string[] secrets = [payload.OriginalSha256, payload.OriginalPath!, .. payload.Fingerprint!.Tables.Select(table => $"\"{table.Name}\"")];
        Assert.All(secrets.Skip(2).Append(payload.OriginalSha256), secret => Assert.Contains(secret, whole, StringComparison.Ordinal));

        json["details"] = null;
        json["source"] = null;

        Assert.All(secrets, secret => Assert.DoesNotContain(secret, json.ToJsonString(), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Everything_in_a_manifest_is_read_back_as_it_was_written(bool isKept)
    {
        Manifest manifest = isKept ? Kept() : Whole();
        byte[] json = ManifestJson.Write(manifest);

        Manifest? read = ManifestJson.Read(json, out string? problem);

        Assert.Null(problem);
        Assert.Equal(System.Text.Encoding.UTF8.GetString(json), System.Text.Encoding.UTF8.GetString(ManifestJson.Write(read!)));
        Assert.Equivalent(manifest, read, strict: true);
    }

    /// <summary>The entry of a kept database.</summary>
    internal static Manifest Kept() => Whole() with
    {
        Kept = new KeptDatabase("postgresql://localhost:5432/app_before", 16_384, "app", "postgres", 5, "app/x", "7", "r1"),
        Payloads = [],
    };

    /// <summary>A manifest of which each member has a value that is not its default.</summary>
    internal static Manifest Whole() => new()
    {
        Id = Guid.NewGuid(),
        Name = "before_v2",
        Reason = BackupReason.PreMigration,
        Created = new DateTimeOffset(2026, 11, 21, 2, 0, 0, TimeSpan.Zero),
        Completed = new DateTimeOffset(2026, 11, 21, 2, 1, 0, TimeSpan.Zero),
        DurationSeconds = 60,
        Sequence = 7,
        Source = new SourceInfo { Name = "app", Engine = "PostgreSql", EngineVersion = "17.2", Location = "postgresql://localhost:5432/app" },
        Tags = ["release"],
        Host = "nas",
        ModuleVersion = "0.1.0",
        Tools = new Dictionary<string, string> { ["pg_dump"] = "17.2" },
        ImportedFrom = "old.dump",
        Git = new GitInfo("abc", "main"),
        Pause = new PauseInfo(PauseMode.Stopped, 12, ["web"]),
        Notes = ["a note"],
        Payloads =
        [
            new Payload
            {
                FileName = "app.dump.zst",
                Kind = PayloadKind.Database,
                Format = PayloadFormat.PostgreSqlCustom,
                Compression = PayloadCompression.Zstd,
                Scope = BackupScope.Partial,
                OriginalSize = 10,
                StoredSize = 5,
                OriginalSha256 = new string('a', 64),
                StoredSha256 = new string('b', 64),
                OriginalPath = "postgresql://localhost:5432/app",
                RestoreName = "app.dump",
                Within = "data/app.db",
                EntryCount = 3,
                UnixMode = "644",
                UnixOwner = "0:0",
                SchemaRevision = "r2",
                Database = new DatabaseInfo
                {
                    Name = "app",
                    Owner = "app",
                    Username = "postgres",
                    Encoding = "UTF8",
                    Collation = "C",
                    CharacterType = "C",
                    LocaleProvider = "icu",
                    ProviderLocale = "de",
                    ConnectionLimit = 5,
                    Comment = "a comment",
                    Settings = [new DatabaseSetting("work_mem", "1MB", "app")],
                    Grants = [new DatabaseGrant("CONNECT", true, "app")],
                    Size = 9,
                    Roles = ["app"],
                    PolicyRoles = ["reader"],
                    Extensions = [new DatabaseExtension("pg_trgm", "1.6")],
                    ServerVersion = "17.2",
                    ClientVersion = "17.3",
                    OldestServerMajor = 17,
                    IsPartial = true,
                },
                Fingerprint = new Fingerprint
                {
                    Level = FingerprintLevel.Content,
                    SchemaSha256 = new string('c', 64),
                    Tables = [new TableFingerprint("public.notes", 3, new string('d', 64)) { ContentHash = "1" }],
                    Settings = new Dictionary<string, string> { ["encoding"] = "UTF8" },
                    Objects = new Dictionary<string, long> { ["tables"] = 1 },
                    Sequences = [new SequenceFingerprint("public.s", 1, 2)],
                },
            },
        ],
    };

    private static JsonNode Read(Backup backup) => JsonNode.Parse(File.ReadAllText(Path.Join(backup.Location, "backup.json")))!;

    private static void Edit(Backup backup, Action<JsonNode> edit)
    {
        JsonNode json = Read(backup);
        edit(json);
        Resealed.WriteAllText(Path.Join(backup.Location, "backup.json"), json.ToJsonString());
    }
}
