using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Engines.Sqlite;

[Trait("Category", "Tool")]
public sealed class SqliteSourceFaultTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task A_missing_database_is_an_error_and_no_file_is_created()
    {
        BackupException failure = await _bench.BackupFailsAsync(Workbench.Sqlite(_bench["nowhere.db"]));

        Assert.Equal(ErrorCodes.SourceNotFound, failure.Code);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_bench.Folder.Path));
    }

    [Fact]
    public void Control_the_stock_tool_creates_an_empty_database_where_none_was()
    {
        Shell.Run("sqlite3", _bench["nowhere.db"], ".backup " + _bench["copy.db"]);

        Assert.Equal(0, new FileInfo(_bench["nowhere.db"]).Length);
    }

    [Fact]
    public async Task An_empty_file_is_refused()
    {
        File.WriteAllBytes(_bench["empty.db"], []);

        Assert.Equal(ErrorCodes.SourceEmpty, (await _bench.BackupFailsAsync(Workbench.Sqlite(_bench["empty.db"]))).Code);
    }

    [Theory]
    [InlineData("x")]
    [InlineData("a text of more than a hundred bytes, so that the library reads it as a whole header and then finds that it is no database at all")]
    public async Task A_text_file_is_refused_and_left_as_it_was(string text)
    {
        File.WriteAllText(_bench["text.db"], text);

        Assert.Equal(ErrorCodes.SourceNotSqlite, (await _bench.BackupFailsAsync(Workbench.Sqlite(_bench["text.db"]))).Code);
        Assert.Equal(text, File.ReadAllText(_bench["text.db"]));
    }

    [Fact]
    public async Task A_folder_in_place_of_a_database_is_refused()
    {
        Directory.CreateDirectory(_bench["folder.db"]);

        Assert.Equal(ErrorCodes.SourceNotSqlite, (await _bench.BackupFailsAsync(Workbench.Sqlite(_bench["folder.db"]))).Code);
    }

    [Fact]
    public async Task A_database_without_tables_is_refused_unless_allowed()
    {
        SampleDatabase.Run(_bench["bare.db"], "PRAGMA user_version=3");

        Assert.Equal(ErrorCodes.SourceEmpty, (await _bench.BackupFailsAsync(Workbench.Sqlite(_bench["bare.db"]))).Code);
        Backup backup = await _bench.BackUpAsync(new SqliteSource(_bench["bare.db"], SqliteFormat.Native, SampleDatabase.Patience, allowEmpty: true));
        Assert.Equal("3", backup.Manifest!.Payloads[0].Fingerprint!.Settings["user_version"]);
    }

    [Theory]
    [InlineData(SqliteFormat.Native)]
    [InlineData(SqliteFormat.Sql)]
    public async Task A_corrupt_database_is_reported_and_nothing_is_listed(SqliteFormat format)
    {
        Require.Tool("sqlite3");
        SampleDatabase.Damage(SampleDatabase.Create(_bench["bad.db"], rows: 2000));

        Assert.Equal(ErrorCodes.SourceCorrupt, (await _bench.BackupFailsAsync(Workbench.Sqlite(_bench["bad.db"], format))).Code);
    }

    [Fact]
    public void Control_the_stock_dump_of_a_corrupt_database_exits_0_and_gives_nothing_back()
    {
        SampleDatabase.Damage(SampleDatabase.Create(_bench["bad.db"], rows: 2000));

        string dump = Shell.Run("sqlite3", _bench["bad.db"], ".dump");
        File.WriteAllText(_bench["bad.sql"], dump);
        Shell.Run("sqlite3", _bench["loaded.db"], ".read " + _bench["bad.sql"]);

        Assert.EndsWith("ROLLBACK; -- due to errors\n", dump, StringComparison.Ordinal);
        Assert.Equal("0", SampleDatabase.Text(_bench["loaded.db"], "SELECT count(*) FROM sqlite_master"));
    }

    [Theory]
    [InlineData("DELETE")]
    [InlineData("WAL")]
    public async Task A_locked_database_is_reported_as_such_after_the_time_limit(string journal)
    {
        SampleDatabase.Create(_bench["app.db"], journal: journal);
        using OtherProcess holder = OtherProcess.Hold(_bench["app.db"]);
        // With WAL, readers come through any transaction; only this mode keeps them out.
        holder.Ask("PRAGMA locking_mode=EXCLUSIVE");
        holder.Ask("BEGIN EXCLUSIVE");

        BackupException failure = await _bench.BackupFailsAsync(Workbench.Sqlite(_bench["app.db"], lockSeconds: 0.3));

        Assert.Equal(ErrorCodes.SourceLocked, failure.Code);
        Assert.True(failure.CanRetry);
    }

    [Fact]
    public async Task Waiting_for_a_lock_ends_when_the_work_is_cancelled()
    {
        SampleDatabase.Create(_bench["app.db"]);
        using OtherProcess holder = OtherProcess.Hold(_bench["app.db"]);
        holder.Ask("BEGIN EXCLUSIVE");
        using var stop = new CancellationTokenSource(300);

        Task work = Workbench.Sqlite(_bench["app.db"], lockSeconds: 600).InspectAsync(stop.Token);
        Task first = await Task.WhenAny(work, Task.Delay(TimeSpan.FromSeconds(20)));
        holder.Kill();

        Assert.Same(work, first);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => work);
    }

    [Fact]
    public async Task A_database_overwritten_in_place_during_the_copy_is_never_stored_as_a_mixture()
    {
        string path = SampleDatabase.Create(_bench["app.db"], rows: 60_000, mark: "old");
        string other = SampleDatabase.Create(_bench["other.db"], rows: 60_000, mark: "new");
        string[] known = [SampleDatabase.Content(path), SampleDatabase.Content(other)];
        byte[] bytes = File.ReadAllBytes(other);
        bool done = false;
        _bench.Observer.At = step =>
        {
            if (!done && step.StartsWith("copying", StringComparison.Ordinal))
            {
                done = true;
                using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
                file.Write(bytes);
            }
        };

        try
        {
            Backup backup = await _bench.BackUpAsync(path);
            _bench.Observer.At = null;
            Assert.Contains(SampleDatabase.Content(await _bench.RestoredCopyAsync(backup)), known);
        }
        catch (BackupException)
        {
            Assert.Empty(await _bench.ListAsync());
        }
    }

    [Fact]
    public async Task A_wal_database_on_a_read_only_file_system_is_backed_up()
    {
        using var disk = new SmallDisk(8);
        SampleDatabase.Create(disk["app.db"], journal: "WAL");
        disk.MakeReadOnly();

        Backup backup = await _bench.BackUpAsync(disk["app.db"]);

        Assert.Equal(100, backup.Manifest!.Payloads[0].Fingerprint!.TotalRows);
        Assert.Equal("wal", backup.Manifest.Payloads[0].Fingerprint!.Settings["journal_mode"]);
    }

    [Fact]
    public async Task A_wal_database_with_an_unread_log_on_a_read_only_file_system_is_not_backed_up_without_its_last_rows()
    {
        using var disk = new SmallDisk(8);
        using (OtherProcess writer = OtherProcess.Write(disk["app.db"]))
            writer.Kill();
        SampleDatabase.Create(_bench["live.db"], journal: "WAL");
        using (OtherProcess holder = OtherProcess.Hold(_bench["live.db"]))
        {
            holder.Ask("INSERT INTO notes VALUES (1000, 'only in the log', '')");
            foreach (string file in Directory.GetFiles(_bench.Folder.Path, "live.db*"))
                File.Copy(file, disk[Path.GetFileName(file)]);
        }

        disk.MakeReadOnly();
        try
        {
            Backup backup = await _bench.BackUpAsync(disk["live.db"]);
            Assert.Equal(101, backup.Manifest!.Payloads[0].Fingerprint!.TotalRows);
        }
        catch (BackupException failure)
        {
            Assert.Equal(ErrorCodes.SourceUnreadable, failure.Code);
        }
    }

    [Fact]
    public async Task Sql_text_of_a_database_with_its_application_s_collation_is_refused_with_the_way_that_works()
    {
        Require.Tool("sqlite3");
        string path = SampleDatabase.Create(_bench["app.db"]);
        SampleDatabase.Run(path, "PRAGMA writable_schema=ON", "UPDATE sqlite_master SET sql = 'CREATE TABLE notes(id INTEGER PRIMARY KEY, text TEXT COLLATE unicase, filler BLOB, CHECK (text <> ''x''))'");

        BackupException failure = await _bench.BackupFailsAsync(Workbench.Sqlite(path, SqliteFormat.Sql));

        Assert.Contains("-Format Native", failure.Hint, StringComparison.Ordinal);
        Assert.Equal(100, (await _bench.BackUpAsync(path)).Manifest!.Payloads[0].Fingerprint!.TotalRows);
    }

    [Fact]
    public async Task A_log_without_its_index_on_a_read_only_file_system_is_recovered_in_a_private_copy()
    {
        using var disk = new SmallDisk(8);
        SampleDatabase.Create(_bench["live.db"], journal: "WAL");
        using (OtherProcess holder = OtherProcess.Hold(_bench["live.db"]))
        {
            holder.Ask("INSERT INTO notes VALUES (1000, 'only in the log', '')");
            foreach (string ending in (string[])["", "-wal"])
                File.Copy(_bench["live.db" + ending], disk["live.db" + ending]);
        }

        disk.MakeReadOnly();

        Assert.Equal(101, (await _bench.BackUpAsync(disk["live.db"])).Manifest!.Payloads[0].Fingerprint!.TotalRows);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_database_that_is_open_under_another_name_with_its_log_there_is_refused_by_this_one(bool isMounted)
    {
        string path = SampleDatabase.Create(_bench["app.db"], journal: "WAL");
        Directory.CreateDirectory(_bench["other"]);
        string other = _bench["other/data.db"];
        if (isMounted)
        {
            Assert.SkipUnless(Environment.UserName == "root", "Mounting needs root.");
            File.WriteAllBytes(other, []);
            Shell.Run("mount", "--bind", path, other);
        }
        else
        {
            Shell.Run("ln", path, other);
        }

        try
        {
            using OtherProcess holder = OtherProcess.Hold(other);
            holder.Ask("INSERT INTO notes VALUES (1000, 'only in the log', '')");

            BackupException failure = await _bench.BackupFailsAsync(Workbench.Sqlite(path));
            Assert.Equal(ErrorCodes.SourceUnreadable, failure.Code);
            Assert.Contains(other, failure.Message, StringComparison.Ordinal);
            Assert.Equal(101, (await _bench.BackUpAsync(other)).Manifest!.Payloads[0].Fingerprint!.TotalRows);
        }
        finally
        {
            if (isMounted)
                Shell.Run("umount", other);
        }
    }

    [Theory]
    [InlineData("it's \"quoted\".db")]
    [InlineData("100%25 #1 ?mode=memory&x.db")]
    [InlineData("mit Leerzeichen und Ünïcode 日本 🎉.sqlite3")]
    [InlineData("file:odd.db")]
    [InlineData(" leading; Mode=Memory.db")]
    [InlineData(".hidden")]
    [InlineData("[brackets]*.db")]
    [InlineData("-rf.db")]
    public async Task A_database_of_any_name_is_backed_up_and_restored(string name)
    {
        string path = SampleDatabase.Create(_bench[name]);

        Backup backup = await _bench.BackUpAsync(path);
        File.Delete(path);
        RestoreResult result = await _bench.RestoreAsync(backup);

        Assert.Equal([path], result.Restored);
        Assert.Equal(BackupStatus.Matched, result.Status);
        Assert.Equal("100", SampleDatabase.Text(path, "SELECT count(*) FROM notes"));
    }

    [Fact]
    public async Task A_symbolic_link_to_a_database_is_followed_and_stays_a_link_after_a_restore()
    {
        Directory.CreateDirectory(_bench["real"]);
        string real = SampleDatabase.Create(_bench["real/data.db"], journal: "WAL");
        File.CreateSymbolicLink(_bench["app.db"], real);

        Backup backup = await _bench.BackUpAsync(_bench["app.db"]);
        SampleDatabase.Run(real, "DELETE FROM notes");
        await _bench.RestoreAsync(backup);

        Assert.NotNull(new FileInfo(_bench["app.db"]).LinkTarget);
        Assert.Equal("100", SampleDatabase.Text(real, "SELECT count(*) FROM notes"));
        Assert.Equal("app", backup.Source);
    }

    [Fact]
    public async Task A_database_that_may_not_be_read_is_an_error_that_says_so()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "Another user can only be played by root.");
        Require.Tool("setpriv");
        string path = SampleDatabase.Create(_bench["secret.db"]);
        Directory.CreateDirectory(_bench.RepositoryPath);
        Shell.Run("chmod", "600", path);
        Shell.Run("chmod", "777", _bench.Folder.Path, _bench.RepositoryPath);

        (int exit, string output) = OtherProcess.Run(
            ["setpriv", "--reuid=65534", "--clear-groups", "env", "HOME=/tmp", .. OtherProcess.Command("backup", path, _bench.RepositoryPath, "0")]);

        Assert.Equal(1, exit);
        Assert.Contains(ErrorCodes.SourceUnreadable, output, StringComparison.Ordinal);
        Assert.Empty(await _bench.ListAsync());
    }
}
