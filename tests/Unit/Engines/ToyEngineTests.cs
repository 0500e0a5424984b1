using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Engines.Instructions;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Portability;
using DbBackup.Engine.Restores;
using DbBackup.Engine.Retention;
using DbBackup.Testing;
using DbBackup.Tests.Unit.Restores;

namespace DbBackup.Tests.Unit.Engines;

/// <summary>A new engine is one file and one registration: this one goes through the real services.</summary>
public sealed class ToyEngineTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;

    static ToyEngineTests() => DatabaseEngines.Register(new ToyEngine());

    public ToyEngineTests() => File.WriteAllText(_database = _bench["settings.toy"], "colour=blue\nsize=7\n");

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task It_is_backed_up_listed_tested_restored_exported_and_removed()
    {
        Backup backup = await _bench.BackUpAsync(new BackupRequest { Sources = [new ToySource(_database)], Verify = true });

        Assert.Equal(BackupStatus.Matched, backup.Status);
        Manifest listed = Assert.Single(await _bench.ListAsync()).Manifest!;
        Assert.Equal("Toy", listed.Source.Engine);
        Payload payload = Assert.Single(listed.Payloads);
        Assert.Equal("ToyText", payload.Format);
        string instructions = File.ReadAllText(Path.Join(_bench.RepositoryPath, backup.Source, backup.Name, "RESTORE.txt"));
        Assert.Contains("toyctl check restored/settings.toy", instructions, StringComparison.Ordinal);
        Assert.DoesNotContain("sqlite3", instructions, StringComparison.Ordinal);

        BackupTestResult test = await _bench.TestAsync(backup, BackupTestLevel.Restore);
        Assert.Equal(BackupStatus.Matched, test.Status);

        string restored = _bench["restored.toy"];
        RestoreResult result = await _bench.RestoreAsync(new RestoreRequest { Backup = backup, Destination = restored });
        Assert.Equal(BackupStatus.Matched, result.Status);
        Assert.Equal("colour=blue\nsize=7\n", File.ReadAllText(restored));

        string exported = _bench["exported.toy"];
        await new BackupExporter(_bench.Repository).ExportAsync(new ExportRequest { Backup = backup, Destination = exported }, _bench.Observer, CancellationToken.None);
        Assert.Equal("colour=blue\nsize=7\n", File.ReadAllText(exported));

        await new BackupRemoval(_bench.Repository).RemoveAsync(backup, force: true, new(), _bench.Observer, CancellationToken.None);
        Assert.Empty(await _bench.ListAsync());
    }

    [Fact]
    public async Task Its_dumps_are_recognized_and_imported()
    {
        File.WriteAllText(_bench["from-elsewhere.txt"], "#toydump\ncolour=red\nsize=9\nshape=round\n");

        Backup backup = await new BackupImporter(_bench.Repository).ImportAsync(
            _bench["from-elsewhere.txt"], new BackupRequest { Sources = [], Created = DateTimeOffset.UtcNow, Verify = true }, _bench.Observer, CancellationToken.None);

        Assert.Equal("Toy", backup.Manifest!.Source.Engine);
        Assert.Equal(BackupStatus.Matched, backup.Status);
        Assert.Equal(3, Assert.Single(backup.Manifest.Payloads).Fingerprint!.TotalRows);
        await _bench.RestoreAsync(new RestoreRequest { Backup = backup, Destination = _bench["restored.toy"] });
        Assert.Equal("colour=red\nsize=9\nshape=round\n", File.ReadAllText(_bench["restored.toy"]));

        File.WriteAllText(_bench["unknown.txt"], "no dump at all");
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => new BackupImporter(_bench.Repository).ImportAsync(
            _bench["unknown.txt"], new BackupRequest { Sources = [] }, _bench.Observer, CancellationToken.None));
        Assert.Equal(ErrorCodes.ImportNotRecognized, failure.Code);
        Assert.Contains("dumps of toyctl", failure.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_around_it_is_archived_without_it_and_what_lies_beside_it()
    {
        Directory.CreateDirectory(_bench["data"]);
        File.Move(_database, _bench["data/settings.toy"]);
        File.WriteAllText(_bench["data/settings.toy.lock"], "toy");
        File.WriteAllText(_bench["data/note.txt"], "kept");

        Backup backup = await _bench.BackUpAsync(new BackupRequest { Sources = [new ToySource(_bench["data/settings.toy"]), new FolderSource(_bench["data"])] });
        await _bench.RestoreAsync(backup);

        Assert.Equal("data/settings.toy", backup.Manifest!.Payloads[0].Within);
        Assert.Equal(["note.txt", "settings.toy"], Directory.GetFiles(_bench["data"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal("colour=blue\nsize=7\n", File.ReadAllText(_bench["data/settings.toy"]));
    }

    [Fact]
    public void Its_schema_revision_is_read()
    {
        File.AppendAllText(_database, "revision=aa01\n");

        SchemaRevision revision = SchemaRevisions.OfFile(_database, TimeSpan.FromSeconds(1), CancellationToken.None);
        Assert.Equal(("Toy", "aa01"), (revision.Engine, revision.Revision));

        File.WriteAllText(_bench["letter.txt"], "Dear reader, here is no database.");
        BackupException failure = Assert.ThrowsAny<BackupException>(() => SchemaRevisions.OfFile(_bench["letter.txt"], TimeSpan.FromSeconds(1), CancellationToken.None));
        Assert.Equal(ErrorCodes.SourceNotSqlite, failure.Code);
        Assert.Equal(ErrorCodes.SourceNotFound, Assert.ThrowsAny<BackupException>(() => SchemaRevisions.OfFile(_bench["nowhere"], TimeSpan.FromSeconds(1), CancellationToken.None)).Code);
    }

    [Fact]
    public async Task It_is_restored_over_what_is_there_and_that_can_be_undone()
    {
        Backup backup = await _bench.BackUpAsync(new ToySource(_database));
        File.WriteAllText(_database, "colour=green\n");

        RestoreResult result = await _bench.RestoreAsync(backup);

        Assert.Equal("colour=blue\nsize=7\n", File.ReadAllText(_database));
        Assert.Equal("Toy", result.SafetyBackup!.Manifest!.Source.Engine);
        _bench.AssertNoLeftovers();

        RestoreRecord record = Assert.Single(await RestoreUndo.ListAsync(_bench.Repository, null, CancellationToken.None));
        PreparedRestore undo = await RestoreUndo.PrepareAsync(_bench.Repository, new UndoRequest { Record = record }, changeNothing: false, _bench.Observer, CancellationToken.None);
        await undo.RunAsync(_bench.Observer, CancellationToken.None);
        Assert.Equal("colour=green\n", File.ReadAllText(_database));
        _bench.AssertNoLeftovers();
    }

    [Fact]
    public async Task A_damaged_one_is_set_aside_and_comes_back_by_an_undo()
    {
        Backup backup = await _bench.BackUpAsync(new ToySource(_database));
        File.WriteAllText(_database, "colour=gre");

        RestoreResult result = await _bench.RestoreAsync(backup);

        Assert.Null(result.SafetyBackup);
        Assert.Equal("colour=gre", File.ReadAllText(Assert.Single(result.KeptAside)));
        RestoreRecord record = Assert.Single(await RestoreUndo.ListAsync(_bench.Repository, null, CancellationToken.None));
        await (await RestoreUndo.PrepareAsync(_bench.Repository, new UndoRequest { Record = record }, changeNothing: false, _bench.Observer, CancellationToken.None)).RunAsync(_bench.Observer, CancellationToken.None);
        Assert.Equal("colour=gre", File.ReadAllText(_database));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_there_stays_or_comes_back_if_a_swap_fails(bool afterItsOwn)
    {
        Directory.CreateDirectory(_bench["pictures"]);
        File.WriteAllText(_bench["pictures/one.txt"], "wanted");
        Backup backup = await _bench.BackUpAsync(new BackupRequest { Sources = [new ToySource(_database), new FolderSource(_bench["pictures"])] });
        File.WriteAllText(_database, "colour=green\n");
        var request = new RestoreRequest { Backup = backup };
        RestorePart part = Assert.Single(await PreparedRestore.PlanPartsAsync(_bench.Repository, request, undoes: false, changeNothing: false, _bench.Observer, CancellationToken.None));
        // The database comes first, then the folder.
        IRestoreParticipant[] participants = [.. part.Participants.OrderBy(participant => participant.Order)];
        var broken = new FailingParticipant(participants[afterItsOwn ? 1 : 0]) { FailsAfterSwap = true };
        participants[afterItsOwn ? 1 : 0] = broken;

        await Assert.ThrowsAsync<InvalidDataException>(() => PreparedRestore.Compose(_bench.Repository, request, [part with { Participants = participants }], undoes: null).RunAsync(_bench.Observer, CancellationToken.None));

        Assert.True(broken.WasReached);
        Assert.Equal("colour=green\n", File.ReadAllText(_database));
        Assert.Equal("wanted", File.ReadAllText(_bench["pictures/one.txt"]));
        _bench.AssertNoLeftovers();
        Assert.Empty(await RestoreUndo.ListAsync(_bench.Repository, null, CancellationToken.None));
    }

    [Fact]
    public async Task What_does_not_give_the_database_back_is_a_mismatch()
    {
        Backup backup = await _bench.BackUpAsync(new ToySource(_database, rowsToClaim: 3));

        BackupTestResult test = await _bench.TestAsync(backup, BackupTestLevel.Restore);
        Assert.Equal(BackupStatus.Mismatched, test.Status);
        Assert.Contains("settings", test.Failure, StringComparison.Ordinal);
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.RestoreAsync(new RestoreRequest { Backup = backup, Destination = _bench["other.toy"] }));
        Assert.Equal(ErrorCodes.RestoreMismatch, failure.Code);
        Assert.False(File.Exists(_bench["other.toy"]));
    }

    [Fact]
    public async Task A_format_that_no_engine_has_is_listed_and_refused()
    {
        Backup backup = await _bench.BackUpAsync(new ToySource(_database));
        string file = Path.Join(_bench.RepositoryPath, backup.Source, backup.Name, "backup.json");
        File.WriteAllText(file, File.ReadAllText(file).Replace("ToyText", "TomorrowsText", StringComparison.Ordinal));

        Backup listed = Assert.Single(await _bench.ListAsync());
        Assert.Contains("payload format TomorrowsText", listed.Problem, StringComparison.Ordinal);
        BackupException[] refused =
        [
            await Assert.ThrowsAnyAsync<BackupException>(() => _bench.TestAsync(listed, BackupTestLevel.Restore)),
            await Assert.ThrowsAnyAsync<BackupException>(() => _bench.RestoreAsync(new RestoreRequest { Backup = listed, Destination = _bench["other.toy"] })),
            Assert.ThrowsAny<BackupException>(() => BackupExporter.Plan(new ExportRequest { Backup = listed, Destination = _bench["other.toy"] })),
        ];
        Assert.All(refused, failure =>
        {
            Assert.Equal(ErrorCodes.ManifestTooNew, failure.Code);
            Assert.Contains("TomorrowsText", failure.Message, StringComparison.Ordinal);
            Assert.Contains("Update the DbBackup module", failure.Hint, StringComparison.Ordinal);
        });
        Assert.Equal(ErrorCodes.ManifestTooNew, Assert.ThrowsAny<BackupException>(() => DatabaseEngines.Of(backup.Manifest!.Payloads[0] with { Format = "TomorrowsText" })).Code);
        Assert.False(File.Exists(_bench["other.toy"]));
    }

    [Fact]
    public void Two_engines_cannot_have_one_format() => Assert.Throws<ArgumentException>(() => DatabaseEngines.Register(new ToyEngine()));

    private static Fingerprint FactsOf(string file) => new()
    {
        Level = FingerprintLevel.Rows,
        SchemaSha256 = string.Empty,
        Tables = [new TableFingerprint("settings", File.ReadLines(file).Count(line => line.Contains('=', StringComparison.Ordinal)))],
    };

    /// <summary>A text file of keys and values.</summary>
    private sealed class ToySource(string path, long? rowsToClaim = null) : IBackupSource
    {
        public string Engine => "Toy";

        public string DefaultName => Path.GetFileNameWithoutExtension(path);

        public string Location => path;

        public Task<SourcePreview> InspectAsync(CancellationToken cancellationToken) => Task.FromResult(new SourcePreview(new FileInfo(path).Length, new FileInfo(path).Length));

        public Task<Capture> CaptureAsync(CaptureContext context, CancellationToken cancellationToken)
        {
            string copy = Path.Join(context.StagingFolder, "toy");
            File.Copy(path, copy);
            Fingerprint facts = FactsOf(copy);
            if (rowsToClaim is { } rows)
                facts = facts with { Tables = [new TableFingerprint("settings", rows)] };
            return Task.FromResult(new Capture
            {
                Taken = context.Clock.GetUtcNow(),
                Payloads =
                [
                    new CapturedPayload
                    {
                        FileName = Path.GetFileName(path),
                        Kind = PayloadKind.Database,
                        Format = "ToyText",
                        RestoreName = Path.GetFileName(path),
                        OriginalPath = path,
                        OpenRead = () => File.OpenRead(copy),
                        CollectFacts = _ => Task.FromResult(new CaptureFacts(facts, null)),
                    },
                ],
            });
        }
    }

    /// <summary>Keeps other toys out by the file beside the database.</summary>
    private sealed class ToyHold : IHeldFile
    {
        private readonly string _lock;

        public ToyHold(string path) => File.WriteAllText(_lock = path + ".lock", "restore");

        public void MakeSelfContained() => File.Delete(_lock);

        public void Dispose() => File.Delete(_lock);
    }

    private sealed class ToyEngine : IFileEngine
    {
        private const string DumpMark = "#toydump\n";

        public string Name => "Toy";

        public IReadOnlyCollection<string> Formats { get; } = ["ToyText"];

        public string StockTools => "toyctl";

        public string ForeignFiles => "dumps of toyctl";

        public ForeignDump? Recognize(ForeignFile file) => file.ReadText().StartsWith(DumpMark, StringComparison.Ordinal)
            ? new ForeignDump("a dump of toyctl", (import, token) => ReadAsync(file, import, token))
            : null;

        public async Task<DatabaseTestOutcome> TestAsync(DatabaseTestRun run, CancellationToken cancellationToken)
        {
            string file = Path.Join(run.Scratch, "toy");
            await RestoreAsync(run.Content, run.Payload, file, null, cancellationToken);
            run.AddReadWhole();
            bool equal = run.AddComparison(run.Payload.RestoreName, run.Payload.Fingerprint!, FactsOf(file));
            return equal ? DatabaseTestOutcome.Matched : DatabaseTestOutcome.Restored;
        }

        public string ExportName(Payload payload, string name, ExportFormat format) => name;

        public async Task ExportAsync(BackupContent content, Payload payload, string path, ExportFormat format, CancellationToken cancellationToken)
        {
            await RestoreAsync(content, payload, path + ".part", null, cancellationToken);
            ExportedFile.Publish(path + ".part", path);
        }

        public async Task RestoreAsync(BackupContent content, Payload payload, string file, IProgress<long>? progress, CancellationToken cancellationToken)
        {
            using PayloadReader original = content.OpenOriginal(payload, cancellationToken);
            using var target = new FileStream(file, FileMode.CreateNew);
            await PayloadCopy.RunAsync(original, target, progress, cancellationToken);
        }

        public void RequireEqual(Payload payload, string file, CancellationToken cancellationToken)
        {
            if (payload.Fingerprint!.DifferencesFrom(FactsOf(file)) is { Count: > 0 } differences)
                throw PayloadCopy.Mismatch(payload, string.Join("; ", differences));
        }

        private static async Task<ForeignContent> ReadAsync(ForeignFile file, ForeignImport import, CancellationToken cancellationToken)
        {
            string folder = await import.OpenScratchAsync(new FileInfo(file.Path).Length, cancellationToken);
            await file.DecompressAsync(Path.Join(folder, "dump"), cancellationToken);
            string database = Path.Join(folder, Path.GetFileNameWithoutExtension(import.Origin) + ".toy");
            await File.WriteAllTextAsync(database, (await File.ReadAllTextAsync(Path.Join(folder, "dump"), cancellationToken))[DumpMark.Length..], cancellationToken);
            return new ForeignContent([new ToySource(database)]);
        }

        public bool IsDatabase(string path) => path.EndsWith(".toy", StringComparison.Ordinal) && File.Exists(path);

        public string? ReadSchemaRevision(string path, TimeSpan lockTimeout, CancellationToken cancellationToken) =>
            File.ReadLines(path).FirstOrDefault(line => line.StartsWith("revision=", StringComparison.Ordinal))?["revision=".Length..];

        public IBackupSource PresentState(string path, TimeSpan lockTimeout) => new ToySource(path);

        public IHeldFile? TryHold(string path, TimeSpan lockTimeout, CancellationToken cancellationToken) => IsDamaged(path, lockTimeout) ? null : new ToyHold(path);

        public bool IsDamaged(string path, TimeSpan lockTimeout) => !File.ReadAllText(path).EndsWith('\n');

        public IReadOnlyList<string> Companions => [".lock"];

        public string RestoreCommand(Payload payload, string target) => $"{ShellText.Read(payload)} > {target}";

        public void WriteCheck(InstructionText text, IReadOnlyList<Payload> payloads)
        {
            text.Step("Check it:");
            foreach (Payload payload in payloads)
                text.Command($"toyctl check {ShellText.Quote(ShellText.RestoredPath(payload))}");
        }

        public void WritePlacing(InstructionText text) => text.Step("Put it in place:");
    }
}
