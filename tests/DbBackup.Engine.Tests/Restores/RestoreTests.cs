using DbBackup.Engine.Restores;
using DbBackup.Engine.Sources.Sqlite;
using DbBackup.Engine.Tests.Sources.Files;
using DbBackup.Engine.Tests.Testing;

namespace DbBackup.Engine.Tests.Restores;

public sealed class RestoreTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;

    public RestoreTests() => _database = _bench["app.db"];

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("WAL")]
    [InlineData("DELETE")]
    public async Task The_present_state_is_replaced_and_kept_in_the_safety_backup(string journal)
    {
        SampleDatabase.Create(_database, journal: journal);
        string wanted = SampleDatabase.Content(_database);
        Backup backup = await _bench.BackUpAsync(_database);
        SampleDatabase.Run(_database, "UPDATE notes SET text = 'present'", "CREATE TABLE later(x)");
        string present = SampleDatabase.Content(_database);

        RestoreResult result = await _bench.RestoreAsync(backup);

        Assert.Equal(wanted, SampleDatabase.Content(_database));
        Assert.Equal(journal == "WAL" ? "wal" : "delete", SampleDatabase.Text(_database, "PRAGMA journal_mode"));
        Assert.Equal(BackupType.Safety, result.SafetyBackup!.Type);
        Assert.Equal(present, SampleDatabase.Content(await _bench.RestoredCopyAsync(result.SafetyBackup)));
        _bench.AssertNoLeftovers();
    }

    [Fact]
    public async Task A_log_that_a_killed_application_left_does_not_undo_the_restore_and_its_rows_are_in_the_safety_backup()
    {
        SampleDatabase.Create(_database, journal: "WAL");
        string wanted = SampleDatabase.Content(_database);
        Backup backup = await _bench.BackUpAsync(_database);
        using (OtherProcess application = OtherProcess.Hold(_database))
        {
            application.Ask("UPDATE notes SET text = 'only in the log'");
            application.Kill();
        }

        Assert.True(new FileInfo(_database + "-wal").Length > 0);
        RestoreResult result = await _bench.RestoreAsync(backup);

        Assert.False(File.Exists(_database + "-wal"));
        Assert.Equal(wanted, SampleDatabase.Content(_database));
        string safety = await _bench.RestoredCopyAsync(result.SafetyBackup!);
        Assert.Equal("only in the log", SampleDatabase.Text(safety, "SELECT max(text) FROM notes"));
    }

    [Fact]
    public async Task Control_a_copy_beside_the_old_log_is_undone_by_it()
    {
        SampleDatabase.Create(_database, journal: "WAL");
        Backup backup = await _bench.BackUpAsync(_database);
        string copy = await _bench.RestoredCopyAsync(backup);
        using (OtherProcess application = OtherProcess.Hold(_database))
        {
            application.Ask("UPDATE notes SET text = 'only in the log'");
            application.Kill();
        }

        File.Copy(copy, _database, overwrite: true);

        Assert.Equal("ok", SampleDatabase.Text(_database, "PRAGMA integrity_check"));
        Assert.Equal("only in the log", SampleDatabase.Text(_database, "SELECT max(text) FROM notes"));
    }

    [Theory]
    [InlineData("WAL")]
    [InlineData("DELETE")]
    public async Task A_database_that_another_process_has_open_is_refused_by_the_name_of_that_process(string journal)
    {
        SampleDatabase.Create(_database, journal: journal);
        Backup backup = await _bench.BackUpAsync(_database);
        using OtherProcess application = OtherProcess.Hold(_database);

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.RestoreAsync(backup));

        Assert.Equal(ErrorCodes.TargetInUse, failure.Code);
        Assert.Contains($"dotnet (process {application.Process.Id})", failure.Message, StringComparison.Ordinal);
        Assert.Single(await _bench.ListAsync());
    }

    [Theory]
    [InlineData("WAL")]
    [InlineData("DELETE")]
    public async Task A_database_that_is_opened_between_the_plan_and_the_swap_is_refused_and_unchanged(string journal)
    {
        SampleDatabase.Create(_database, journal: journal);
        Backup backup = await _bench.BackUpAsync(_database);
        SampleDatabase.Run(_database, "DELETE FROM notes WHERE id > 5");
        RestorePlan plan = RestorePlanner.Plan(new RestoreRequest { Backup = backup }, CancellationToken.None);
        using OtherProcess application = OtherProcess.Hold(_database);

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(
            () => new RestoreService(_bench.Repository).RunAsync(plan, TimeSpan.FromSeconds(1), _bench.Observer, CancellationToken.None));

        Assert.Equal(ErrorCodes.TargetInUse, failure.Code);
        Assert.Equal("5", application.Ask("SELECT count(*) FROM notes"));
        Assert.Equal("6", application.Ask("INSERT INTO notes VALUES (6, '', ''); SELECT count(*) FROM notes"));
        Assert.Equal(journal == "WAL" ? "wal" : "delete", application.Ask("PRAGMA journal_mode"));
        _bench.AssertNoLeftovers();
    }

    [Theory]
    [InlineData("WAL", "WAL")]
    [InlineData("DELETE", "DELETE")]
    [InlineData("WAL", "DELETE")]
    [InlineData("DELETE", "WAL")]
    public async Task With_force_an_open_connection_reads_the_restored_data_and_goes_on_writing(string backedUp, string present)
    {
        SampleDatabase.Create(_database, journal: backedUp);
        Backup backup = await _bench.BackUpAsync(_database);
        SampleDatabase.Run(_database, "PRAGMA journal_mode=" + present, "DELETE FROM notes", "CREATE TABLE later(x)");
        using OtherProcess application = OtherProcess.Hold(_database);
        Assert.Equal("0", application.Ask("SELECT count(*) FROM notes"));

        RestoreResult result = await _bench.RestoreAsync(new RestoreRequest { Backup = backup, Force = true });

        Assert.Equal("100", application.Ask("SELECT count(*) FROM notes"));
        Assert.Equal("101", application.Ask("INSERT INTO notes VALUES (1000, 'x', ''); SELECT count(*) FROM notes"));
        Assert.Equal("ok", application.Ask("PRAGMA integrity_check"));
        Assert.NotNull(result.SafetyBackup);
        application.Kill();
        Assert.Equal("101", SampleDatabase.Text(_database, "SELECT count(*) FROM notes"));
        _bench.AssertNoLeftovers();
    }

    [Theory]
    [InlineData("corrupt")]
    [InlineData("empty")]
    [InlineData("text")]
    public async Task A_present_database_that_is_damaged_is_set_aside_and_restored(string damage)
    {
        SampleDatabase.Create(_database, rows: 2000);
        string wanted = SampleDatabase.Content(_database);
        Backup backup = await _bench.BackUpAsync(_database);
        if (damage == "corrupt")
            SampleDatabase.Damage(_database);
        else
            File.WriteAllText(_database, damage == "empty" ? "" : new string('x', 5000));
        byte[] before = File.ReadAllBytes(_database);

        RestoreResult result = await _bench.RestoreAsync(backup);

        Assert.Equal(wanted, SampleDatabase.Content(_database));
        Assert.Equal(before, File.ReadAllBytes(Assert.Single(result.KeptAside)));
        Assert.Null(result.SafetyBackup);
        _bench.AssertNoLeftovers();
    }

    [Fact]
    public async Task A_transaction_that_died_in_the_middle_is_rolled_back_before_the_safety_backup()
    {
        Backup backup = await DieInTheMiddleAsync();

        RestoreResult result = await _bench.RestoreAsync(backup);

        Assert.Equal(BackupStatus.Matched, result.Status);
        string safety = await _bench.RestoredCopyAsync(result.SafetyBackup!);
        Assert.Equal("note 1", SampleDatabase.Text(safety, "SELECT text FROM notes WHERE id = 1"));
        Assert.Equal("ok", SampleDatabase.Text(safety, "PRAGMA integrity_check"));
    }

    [Fact]
    public async Task A_backup_of_a_transaction_that_died_in_the_middle_says_how_to_roll_it_back_and_stores_nothing_torn()
    {
        await DieInTheMiddleAsync();

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.BackUpAsync(_database));

        Assert.Contains("hot journal", failure.Message, StringComparison.Ordinal);
        Assert.Single(await _bench.ListAsync());
    }

    [Fact]
    public async Task A_backup_cannot_be_removed_while_a_restore_reads_it()
    {
        SampleDatabase.Create(_database);
        Backup backup = await _bench.BackUpAsync(_database);
        string? code = null;
        _bench.Observer.At = step =>
        {
            if (code is null && step.StartsWith("checking", StringComparison.Ordinal))
                code = Assert.ThrowsAny<BackupException>(() => _bench.Repository.Storage.Remove(new(backup.Source, backup.Name))).Code;
        };

        await _bench.RestoreAsync(backup);

        Assert.Equal(ErrorCodes.BackupInUse, code);
    }

    [Fact]
    public async Task A_note_of_a_restore_that_was_killed_while_it_wrote_it_is_cleaned_up()
    {
        SampleDatabase.Create(_database);
        string note = _bench[".dbbackup-restore-0123.json"];
        File.WriteAllText(note, "{\"Owner\":{\"Ho");
        await _bench.BackUpAsync(_database);
        Assert.True(File.Exists(note));

        // Until then it may belong to a restore that has just begun.
        File.SetLastWriteTimeUtc(note, DateTime.UtcNow.AddMinutes(-5));
        await _bench.BackUpAsync(_database);

        Assert.False(File.Exists(note));
    }

    [Fact]
    public async Task Without_a_safety_backup_none_is_made()
    {
        SampleDatabase.Create(_database);
        Backup backup = await _bench.BackUpAsync(_database);

        RestoreResult result = await _bench.RestoreAsync(new RestoreRequest { Backup = backup, NoSafetyBackup = true });

        Assert.Null(result.SafetyBackup);
        Assert.Single(await _bench.ListAsync());
    }

    [Theory]
    [InlineData("WAL")]
    [InlineData("DELETE")]
    public async Task No_row_that_visitors_commit_while_a_restore_runs_is_lost(string journal)
    {
        SampleDatabase.Create(_database, rows: 5000, journal: journal);
        SampleDatabase.Run(_database, "CREATE TABLE left_half(id INTEGER PRIMARY KEY, filler TEXT)", "CREATE TABLE right_half(id INTEGER PRIMARY KEY, filler TEXT)");
        Backup backup = await _bench.BackUpAsync(_database);
        using OtherProcess visitor = OtherProcess.Start("visit", _database);
        visitor.WaitFor(lines => lines.Count > 2);

        var states = new List<Backup>();
        int restored = 0;
        for (int attempt = 0; attempt < 100 && restored < 2; attempt++)
        {
            try
            {
                RestoreResult result = await _bench.RestoreAsync(backup);
                restored++;
                states.Add(result.SafetyBackup!);
            }
            catch (BackupException failure) when (failure.Code is ErrorCodes.TargetInUse or ErrorCodes.SourceLocked)
            {
                // A visitor was there at that moment: refused, nothing changed.
            }
        }

        visitor.Kill();
        Assert.True(restored > 0);
        // It may have died in the middle of a transaction, which the next writer rolls back.
        SampleDatabase.Run(_database, "BEGIN IMMEDIATE; COMMIT");
        var kept = new HashSet<long>();
        foreach (Backup state in states)
            kept.UnionWith(Ids(await _bench.RestoredCopyAsync(state)));
        kept.UnionWith(Ids(_database));
        Assert.All(visitor.Committed(), id => Assert.Contains(id, kept));
        _bench.AssertNoLeftovers();
    }

    [SkippableFact]
    public async Task A_restored_folder_equals_the_one_that_was_backed_up()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "The sample has what only Linux keeps.");
        SampleDatabase.Create(_database);
        string uploads = SampleTree.Create(_bench.Folder);
        IReadOnlyList<string> before = TreeSnapshot.Of(uploads);
        Backup backup = await _bench.BackUpAsync(_database, uploads);
        File.WriteAllText(Path.Join(uploads, "later.txt"), "x");
        File.Delete(Path.Join(uploads, "plain.txt"));

        RestoreResult result = await _bench.RestoreAsync(backup);

        Assert.Equal(before, TreeSnapshot.Of(uploads));
        Assert.Equal(2, result.SafetyBackup!.Manifest!.Payloads.Count);
        _bench.AssertNoLeftovers();
    }

    [Fact]
    public async Task Only_one_kind_is_restored_when_asked_and_the_next_backup_knows_its_source_again()
    {
        SampleDatabase.Create(_database);
        Directory.CreateDirectory(_bench["uploads"]);
        File.WriteAllText(_bench["uploads/photo.txt"], "wanted");
        Backup backup = await _bench.BackUpAsync(_database, _bench["uploads"]);
        File.WriteAllText(_bench["uploads/photo.txt"], "present");
        SampleDatabase.Run(_database, "DELETE FROM notes");

        await _bench.RestoreAsync(new RestoreRequest { Backup = backup, Only = PayloadKind.Files });
        Assert.Equal("wanted", File.ReadAllText(_bench["uploads/photo.txt"]));
        Assert.Equal("0", SampleDatabase.Text(_database, "SELECT count(*) FROM notes"));
        await _bench.BackUpAsync(_database);

        File.WriteAllText(_bench["uploads/photo.txt"], "present");
        await _bench.RestoreAsync(new RestoreRequest { Backup = backup, Only = PayloadKind.Database });
        Assert.Equal("present", File.ReadAllText(_bench["uploads/photo.txt"]));
        Assert.Equal("100", SampleDatabase.Text(_database, "SELECT count(*) FROM notes"));
    }

    [Fact]
    public async Task A_destination_is_a_file_for_a_database_and_a_folder_for_more()
    {
        SampleDatabase.Create(_database);
        Directory.CreateDirectory(_bench["uploads"]);
        Directory.CreateDirectory(_bench["existing"]);
        Backup single = await _bench.BackUpAsync(_database);
        Backup both = await _bench.BackUpAsync(_database, _bench["uploads"]);

        await ToAsync(single, "other.db", "other.db");
        await ToAsync(single, "existing", "existing/app.db");
        await ToAsync(single, "fresh/", "fresh/app.db");
        await ToAsync(both, "place", "place/app.db", "place/uploads");
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => ToAsync(both, "other.db"));
        Assert.Equal(ErrorCodes.TargetInvalid, failure.Code);
        failure = await Assert.ThrowsAnyAsync<BackupException>(() => ToAsync(single, "other.db/below/x.db"));
        Assert.Equal(ErrorCodes.TargetInvalid, failure.Code);

        async Task ToAsync(Backup backup, string destination, params string[] expected)
        {
            RestoreResult result = await _bench.RestoreAsync(new RestoreRequest { Backup = backup, Destination = _bench[destination] });
            Assert.Equal(expected.Select(name => _bench[name]), result.Restored);
            Assert.All(expected, name => Assert.True(Path.Exists(_bench[name])));
        }
    }

    [Fact]
    public async Task A_restore_to_another_revision_says_how_to_bring_it_up_to_date()
    {
        SampleDatabase.Create(_database);
        SampleDatabase.Run(_database, "CREATE TABLE alembic_version(version_num TEXT)", "INSERT INTO alembic_version VALUES ('old1')");
        Backup backup = await _bench.BackUpAsync(_database);
        SampleDatabase.Run(_database, "UPDATE alembic_version SET version_num = 'new2'");

        RestoreResult result = await _bench.RestoreAsync(backup);

        Assert.Equal(("old1", "new2"), (result.SchemaRevision, result.PreviousSchemaRevision));
        Assert.Equal(["alembic stamp old1", "alembic upgrade head"], result.NextCommands);
        Assert.Empty((await _bench.RestoreAsync(backup)).NextCommands);
    }

    [SkippableFact]
    public async Task Folders_of_one_volume_share_its_room()
    {
        using var disk = new SmallDisk(64);
        Directory.CreateDirectory(disk["data"]);
        string database = SampleDatabase.Create(disk["data/app.db"], rows: 20_000);
        string uploads = Directory.CreateDirectory(disk["files/uploads"]).FullName;
        long size = new FileInfo(database).Length;
        File.WriteAllBytes(Path.Join(uploads, "photo"), new byte[size]);
        Backup backup = await _bench.BackUpAsync(database, uploads);
        // Enough for either, not for both.
        disk.FillBut(size * 3 / 2);

        NotEnoughSpaceException failure = Assert.Throws<NotEnoughSpaceException>(
            () => RestorePlanner.Plan(new RestoreRequest { Backup = backup }, CancellationToken.None));

        Assert.True(failure.RequiredBytes >= 2 * size);
    }

    [SkippableFact]
    public async Task A_restore_onto_a_full_disk_changes_nothing()
    {
        using var disk = new SmallDisk(24);
        string database = SampleDatabase.Create(disk["app.db"], rows: 20_000);
        Backup backup = await _bench.BackUpAsync(database);
        SampleDatabase.Run(database, "UPDATE notes SET text = 'present'");
        string present = SampleDatabase.Content(database);
        bool filled = false;
        _bench.Observer.At = step =>
        {
            if (!filled && step.StartsWith("restoring", StringComparison.Ordinal))
            {
                filled = true;
                disk.FillBut(100_000);
            }
        };

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.RestoreAsync(backup));
        Assert.Equal(ErrorCodes.NotEnoughSpace, failure.Code);
        failure = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.RestoreAsync(backup));
        Assert.IsType<NotEnoughSpaceException>(failure);

        Assert.Equal(present, SampleDatabase.Content(database));
        Assert.DoesNotContain(Directory.GetFiles(disk.Path), file => file.Contains(".dbbackup-", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_restore_cancelled_at_any_report_before_its_swap_leaves_the_present_state()
    {
        SampleDatabase.Create(_database, rows: 2000, journal: "WAL");
        Directory.CreateDirectory(_bench["uploads"]);
        File.WriteAllText(_bench["uploads/photo.txt"], "wanted");
        Backup backup = await _bench.BackUpAsync(_database, _bench["uploads"]);
        SampleDatabase.Run(_database, "DELETE FROM notes WHERE id > 7");
        File.WriteAllText(_bench["uploads/photo.txt"], "present");
        int cancelled = 0;
        for (int report = 1; ; report++)
        {
            using var stop = new CancellationTokenSource();
            int reports = 0;
            bool swapping = false;
            _bench.Observer.At = step =>
            {
                swapping |= step == "putting it in place";
                if (++reports == report && !swapping)
                    stop.Cancel();
            };
            try
            {
                await _bench.RestoreAsync(new RestoreRequest { Backup = backup }, stop.Token);
                break;
            }
            catch (OperationCanceledException)
            {
                cancelled++;
                Assert.Equal("7", SampleDatabase.Text(_database, "SELECT count(*) FROM notes"));
                Assert.Equal("present", File.ReadAllText(_bench["uploads/photo.txt"]));
                _bench.AssertNoLeftovers();
                _bench.AssertNothingStaged();
            }
        }

        Assert.True(cancelled >= 5);
        Assert.Equal("wanted", File.ReadAllText(_bench["uploads/photo.txt"]));
    }

    [SkippableFact]
    public async Task The_mode_and_owner_of_the_present_file_are_kept_and_of_a_missing_one_given_back()
    {
        Skip.IfNot(OperatingSystem.IsLinux() && Environment.UserName == "root", "Owners are only kept for root.");
        SampleDatabase.Create(_database);
        Shell.Run("chmod", "640", _database);
        Shell.Run("chown", "1234:2345", _database);
        Backup backup = await _bench.BackUpAsync(_database);
        Shell.Run("chmod", "606", _database);
        Shell.Run("chown", "77:88", _database);

        await _bench.RestoreAsync(backup);
        Assert.Equal("606 77:88", Shell.Run("stat", "-c", "%a %u:%g", _database).Trim());
        File.Delete(_database);
        await _bench.RestoreAsync(backup);
        Assert.Equal("640 1234:2345", Shell.Run("stat", "-c", "%a %u:%g", _database).Trim());
    }

    [SkippableFact]
    public async Task A_sql_backup_is_restored_in_place()
    {
        Require.Tool("sqlite3");
        SampleDatabase.Create(_database, journal: "WAL");
        string wanted = SampleDatabase.Content(_database);
        Backup backup = await _bench.BackUpAsync(Workbench.Sqlite(_database, SqliteFormat.Sql));
        SampleDatabase.Run(_database, "DELETE FROM notes");

        RestoreResult result = await _bench.RestoreAsync(backup);

        Assert.Equal(BackupStatus.Matched, result.Status);
        Assert.Equal(wanted, SampleDatabase.Content(_database));
        _bench.AssertNoLeftovers();
    }

    // More is changed than the cache holds, so that half of the transaction is in the file already.
    private async Task<Backup> DieInTheMiddleAsync()
    {
        SampleDatabase.Create(_database, rows: 5000);
        Backup backup = await _bench.BackUpAsync(_database);
        using OtherProcess application = OtherProcess.Hold(_database);
        application.Ask("PRAGMA cache_size=5; BEGIN; UPDATE notes SET text = 'half'; SELECT 1");
        application.Kill();
        Assert.True(new FileInfo(_database + "-journal").Length > 0);
        return backup;
    }

    private static List<long> Ids(string database)
    {
        using SqliteDatabase opened = SqliteDatabase.OpenLive(database, SampleDatabase.Patience, CancellationToken.None);
        return opened.Rows("SELECT id FROM left_half JOIN right_half USING(id)", row => row.GetInt64(0));
    }
}
