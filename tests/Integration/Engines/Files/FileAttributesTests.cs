using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Portability;
using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Engines.Files;

/// <summary>Names of any bytes, extended attributes and ACLs come back as they were, from our archives and from those of stock tools.</summary>
[Trait("Category", "Tool")]
public sealed class FileAttributesTests : IDisposable
{
    /// <summary>Names, links and a folder with bytes that are not UTF-8, binary attributes, ACLs, and as root what only root can set.</summary>
    internal const string Fill = """
        set -e
        cd "$1"
        mkdir $'sub\xe9' 'plain' $'sub\xe9/\xff\xfe'
        printf one > $'caf\xe9.txt'; printf two > $'sub\xe9/\xff\xfe/b\x80.txt'; printf three > 'plain/café.txt'; printf four > $'new\nline\xe9'
        ln -s $'sub\xe9/nowhere\xe9' $'link\xe9'; ln -s $'caf\xe9.txt' 'plain link'; ln $'caf\xe9.txt' $'second\xe9'; mkfifo $'pipe\xe9'
        printf lookalike > $'caf\xef\xbf\xbd.txt'
        setfattr -n user.binary -v 0x00ff0a3d0041 $'caf\xe9.txt'; setfattr -n 'user.a=b%c' -v '' 'plain/café.txt'; setfattr -n user.folder -v x 'plain'
        setfattr -n $'user.n\xe9' -v raw $'sub\xe9'
        head -c 3000 /dev/urandom > value; setfattr -n user.long -v "0x$(od -An -v -tx1 value | tr -d ' \n')" $'new\nline\xe9'; rm value
        setfacl -m u:1234:rw-,g:4321:r--,m::rw- $'caf\xe9.txt'; chmod g-w 'plain/café.txt'
        setfacl -m u:1234:r-x -d -m u:1234:rwx,g:77:r-x $'sub\xe9'
        chmod 444 'plain/café.txt'
        if [ "$(id -u)" = 0 ]; then
            cp /bin/true tool; chown 1000:1000 tool; setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 tool
            setfattr -n trusted.dbbackup -v secret 'plain/café.txt'; setfattr -h -n trusted.link -v x $'link\xe9'
            printf owned > owned; chown 4000000000:3000000000 owned
        fi
        find . -depth -exec touch -h -d '2020-01-02 03:04:05.123456700' {} +
        touch -h -d '2019-01-02 03:04:05' $'link\xe9'
        """;

    internal const string State = """
        set -e
        cd "$1"
        find . -print0 | sort -z | sha256sum
        find . -mindepth 1 \( -type f -o -type p -o -type l -o -type d \) -printf '%y %m %U:%G %T@ %l\0' | sort -z | sha256sum
        find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum
        find . -type f -print0 -o -type d -print0 -o -type l -print0 | sort -z | xargs -0 getfattr -h -d -m - -e hex -- | sha256sum
        find . -type f -print0 -o -type d -print0 | sort -z | xargs -0 getfacl -n -- | sha256sum
        find . -type f -printf '%i\n' | sort | uniq -d | wc -l
        getfattr -R -h -d -m - . | grep -vc '^$'
        """;

    private readonly Workbench _bench = new();

    public void Dispose()
    {
        // The framework deletes no names that are not UTF-8.
        FolderRemoval.Delete(_bench.Folder.Path);
        Directory.CreateDirectory(_bench.Folder.Path);
        _bench.Dispose();
    }

    [Fact]
    public async Task Names_attributes_and_acls_come_back_as_they_were()
    {
        string source = FillFolder();
        string wanted = StateOf(source);

        Backup backup = await _bench.BackUpAsync(new BackupRequest { Sources = [new FolderSource(source)], Verify = true });

        Assert.Empty(_bench.Observer.Warnings);
        Assert.Empty(backup.Manifest!.Notes);
        foreach (BackupTestLevel level in Enum.GetValues<BackupTestLevel>())
            Assert.True((await _bench.TestAsync(backup, level)).Passed, level.ToString());
        await _bench.RestoreAsync(new RestoreRequest { Backup = backup, Destination = _bench["back/"] });
        Assert.Equal(wanted, StateOf(_bench["back/uploads"]));

        // In place: the safety backup has the same names.
        Shell.Run("bash", "-c", "rm -r \"$1\"/$'sub\\xe9' \"$1\"/$'caf\\xe9.txt'; printf new > \"$1\"/$'new\\xe9'; touch -d 2021-01-01 \"$1\" \"$1\"/$'new\\xe9'", "bash", source);
        string present = StateOf(source);
        RestoreResult result = await _bench.RestoreAsync(backup);
        Assert.Equal(wanted, StateOf(source));
        await _bench.RestoreAsync(result.SafetyBackup!);
        Assert.Equal(present, StateOf(source));
        Assert.Empty(_bench.Observer.Warnings);
    }

    [Fact]
    public async Task Stock_tar_gives_back_what_our_archive_holds()
    {
        string source = FillFolder();
        Backup backup = await _bench.BackUpAsync(new BackupRequest { Sources = [new FolderSource(source)], Compression = PayloadCompression.None });
        Directory.CreateDirectory(_bench["gnu"]);
        string tar = Assert.Single(Directory.GetFiles(backup.Location, "*.tar"));

        // Its standard error is shown where it fails, and must be empty: no record that it does not know.
        Shell.Run("bash", "-c", "out=$(tar --xattrs --xattrs-include='*' --acls --same-owner -xpf \"$1\" -C \"$2\" 2>&1) && [ -z \"$out\" ] || { echo \"$out\" >&2; exit 1; }", "bash", tar, _bench["gnu"]);
        Assert.Equal(StateOf(source), StateOf(_bench["gnu/uploads"]));
    }

    [Fact]
    public async Task An_archive_of_gnu_tar_is_imported_and_restored_with_names_attributes_and_acls()
    {
        string source = FillFolder();
        Shell.Run("tar", "--xattrs", "--acls", "--format=pax", "-cf", _bench["uploads.tar"], "-C", _bench.Folder.Path, "uploads");

        Backup backup = await new BackupImporter(_bench.Repository).ImportAsync(
            _bench["uploads.tar"], new BackupRequest { Sources = [], Created = DateTimeOffset.UnixEpoch.AddYears(50) }, _bench.Observer, CancellationToken.None);
        await _bench.RestoreAsync(new RestoreRequest { Backup = backup, Destination = _bench["back"] });

        Assert.Equal(StateOf(source), StateOf(Directory.Exists(_bench["back/uploads"]) ? _bench["back/uploads"] : _bench["back"]));
    }

    [Fact]
    public async Task An_archive_of_bsdtar_is_extracted_with_names_attributes_and_acls()
    {
        string source = FillFolder();
        Shell.Run("bsdtar", "--format=pax", "--xattrs", "--acls", "-cf", _bench["bsd.tar"], "-C", _bench.Folder.Path, "uploads");

        using FileStream stream = File.OpenRead(_bench["bsd.tar"]);
        ArchiveSummary summary = await FolderExtractor.ExtractAsync(stream, _bench["back"], new ExtractOptions { StripFirstFolder = true });

        Assert.Empty(summary.Warnings);
        Assert.Equal(StateOf(source), StateOf(_bench["back"]));
    }

    [Fact]
    public async Task A_file_system_without_attributes_is_noted_once_and_gives_a_group_no_more_than_it_had()
    {
        Assert.SkipUnless(UnixFile.EffectiveUserId == 0, "Only root can mount.");
        string source = _bench["uploads"];
        Directory.CreateDirectory(source);
        foreach (string name in (string[])["a", "b"])
        {
            File.WriteAllText(Path.Join(source, name), name);
            Shell.Run("setfacl", "-m", "u:1234:rwx,g::---,m::rwx", Path.Join(source, name));
            Shell.Run("setfattr", "-n", "user.x", "-v", "y", Path.Join(source, name));
        }

        using var archive = new MemoryStream();
        Assert.Empty((await new FolderArchiver().WriteAsync(source, archive)).Warnings);
        archive.Position = 0;
        Directory.CreateDirectory(_bench["mount"]);
        Shell.Run("mount", "-t", "ramfs", "none", _bench["mount"]);
        try
        {
            ArchiveSummary summary = await FolderExtractor.ExtractAsync(archive, _bench["mount/out"], new ExtractOptions { StripFirstFolder = true });

            string warning = Assert.Single(summary.Warnings);
            Assert.Contains("the file system has none", warning, StringComparison.Ordinal);
            Assert.True(UnixFile.TryStat(_bench["mount/out/a"], out UnixFileFacts facts));
            Assert.Equal((UnixFileMode)0b110_000_100, facts.Permissions);
        }
        finally
        {
            Shell.Run("umount", _bench["mount"]);
        }
    }

    [Fact]
    public async Task Files_that_are_copied_in_a_pause_keep_names_attributes_and_acls()
    {
        string source = FillFolder();
        var staged = new StagedFolder(UnixFile.RealPath(source), "uploads", Directory.CreateDirectory(_bench["staging"]).FullName, _ => false);
        staged.Refresh(isLast: false, CancellationToken.None);
        Shell.Run("setfattr", "-n", "user.later", "-v", "1", Path.Join(source, "plain/café.txt"));
        staged.Refresh(isLast: true, CancellationToken.None);
        using var archive = new MemoryStream();
        var warnings = new WarningLog();

        await FolderArchiver.WriteAsync(staged.Items, asListed: true, archive, warnings, null, CancellationToken.None);

        Assert.Empty(staged.Warnings.Summarize(0, 0).Warnings);
        Assert.Equal(0, warnings.Count);
        archive.Position = 0;
        await FolderExtractor.ExtractAsync(archive, _bench["back"], new ExtractOptions { StripFirstFolder = true });
        Assert.Equal(StateOf(source), StateOf(_bench["back"]));
    }

    [Fact]
    public async Task A_database_under_such_a_name_is_kept_as_a_file_and_a_pattern_in_bytes_leaves_a_file_out()
    {
        string source = _bench["uploads"];
        Directory.CreateDirectory(source);
        SampleDatabase.Create(_bench["app.db"]);
        Shell.Run("bash", "-c", "cp \"$1\" \"$2\"/$'app\\xe9.db'; printf x > \"$2\"/$'caf\\xe9.txt'; printf y > \"$2\"/$'caf\\xe8.txt'", "bash", _bench["app.db"], source);

        Backup backup = await _bench.BackUpAsync(new FolderSource(source) { Exclude = [@"caf\xe9.txt"] });

        Assert.Contains(@"uploads/app\xe9.db: a SQLite database", Assert.Single(_bench.Observer.Warnings), StringComparison.Ordinal);
        Assert.Contains(backup.Manifest!.Notes, note => note.Contains(@"app\xe9.db", StringComparison.Ordinal));
        await _bench.RestoreAsync(new RestoreRequest { Backup = backup, Destination = _bench["back/"] });
        Shell.Run("bash", "-c", "cd \"$1\"; cmp \"$2\" $'app\\xe9.db' && [ -e $'caf\\xe8.txt' ] && [ ! -e $'caf\\xe9.txt' ]", "bash", _bench["back/uploads"], _bench["app.db"]);
    }

    private string FillFolder()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Other systems have no such names and attributes.");
        foreach (string tool in (string[])["setfattr", "setfacl"])
            Require.Tool(tool);
        string source = _bench["uploads"];
        Directory.CreateDirectory(source);
        Shell.Run("bash", "-c", Fill, "bash", source);
        return source;
    }

    private static string StateOf(string folder) => Shell.Run("bash", "-c", State, "bash", folder);
}
