using DbBackup.Engine.Portability;

namespace DbBackup.Tests.Unit.Portability;

public sealed class ImportReasonTests
{
    [Theory]
    [InlineData("daily/vamsa-20240129.sql.gz", BackupReason.Scheduled, "by the folder 'daily'", "daily")]
    [InlineData("Weekly/old/vamsa.sql.gz", BackupReason.Scheduled, "by the folder 'Weekly'", "weekly")]
    [InlineData("shop_auto_20260101.sql", BackupReason.Scheduled, "by its name", null)]
    [InlineData("pre_migration_v2", BackupReason.PreMigration, "by its name", null)]
    [InlineData("before_refactor", BackupReason.PreMigration, "by its name", null)]
    [InlineData("daily/shop-pre-upgrade.sql", BackupReason.PreMigration, "by its name", "daily")]
    [InlineData("safety-backup-2026-01-01.sql.gz", BackupReason.Safety, "by its name", null)]
    [InlineData("shop_pre_restore.db", BackupReason.Safety, "by its name", null)]
    [InlineData("backup_20241201_120000", BackupReason.Manual, null, null)]
    [InlineData("automobile.db", BackupReason.Manual, null, null)]
    [InlineData("premium.db", BackupReason.Manual, null, null)]
    public void A_name_and_its_folders_say_why_it_was_made(string name, string reason, string? by, string? rotation)
    {
        string root = Path.Join(Path.DirectorySeparatorChar.ToString(), "home", "daily", "old");
        string path = Path.Join(root, name.Replace('/', Path.DirectorySeparatorChar));

        Assert.Equal((reason, by), ImportReason.Of(path, root));
        Assert.Equal(rotation, ImportReason.RotationOf(path, root));
    }

    [Fact]
    public void Of_a_file_that_the_user_named_its_own_folder_counts()
    {
        string daily = Path.Join(Path.DirectorySeparatorChar.ToString(), "backups", "daily");
        Assert.Equal(BackupReason.Scheduled, ImportReason.Of(Path.Join(daily, "shop.sql"), null).Reason);
        Assert.Equal(BackupReason.Manual, ImportReason.Of(Path.Join(daily, "shop", "shop.sql"), null).Reason);
    }
}
