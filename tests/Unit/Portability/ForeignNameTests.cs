using System.Globalization;
using DbBackup.Engine.Engines;

namespace DbBackup.Tests.Unit.Portability;

public sealed class ForeignNameTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 28, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("shop_20260101.sql", "2026-01-01T00:00")]
    [InlineData("shop-2026-01-01.sql.gz", "2026-01-01T00:00")]
    [InlineData("2026_01_01 shop.dump", "2026-01-01T00:00")]
    [InlineData("shop 2026.01.01.db", "2026-01-01T00:00")]
    [InlineData("shop.db.20260101", "2026-01-01T00:00")]
    [InlineData("2026-01-01_02-03-04", "2026-01-01T02:03:04")]
    [InlineData("backup_20260101_020304", "2026-01-01T02:03:04")]
    [InlineData("backup_20260101020304.tar.gz", "2026-01-01T02:03:04")]
    [InlineData("shop-202601010203.sql", "2026-01-01T02:03")]
    [InlineData("shop-2026-01-01T02:03:04.sql", "2026-01-01T02:03:04")]
    [InlineData("shop-2026-01-01T02:03:04.123456.sql", "2026-01-01T02:03:04")]
    [InlineData("shop 2026-01-01 at 02.03.04.sql", "2026-01-01T02:03:04")]
    [InlineData("shop_2026-01-01-02h03.sql", "2026-01-01T02:03")]
    [InlineData("vamsa-full-2024-01-29T00-00-00-000Z.sql.gz", "2024-01-29T00:00:00Z")]
    [InlineData("shop-2026-01-01T02-03-04-567.sql", "2026-01-01T02:03:04")]
    [InlineData("20260101T020304Z-full", "2026-01-01T02:03:04Z")]
    [InlineData("shop-2026-01-01T02:03:04+02:00.sql", "2026-01-01T00:03:04Z")]
    [InlineData("shop-20260101T020304-0500.sql", "2026-01-01T07:03:04Z")]
    [InlineData("shop-20260101-020304-1234.sql", "2026-01-01T02:03:04")]
    [InlineData("shop-20260101-42.sql", "2026-01-01T00:00")]
    [InlineData("dump_21-11-2026_10_11_12.sql", "2026-11-21T10:11:12")]
    [InlineData("dump_11-21-2026.sql", "2026-11-21T00:00")]
    [InlineData("1763683200_2025_11_21_16.1.0_gitlab_backup.tar", "2025-11-21T00:00")]
    [InlineData("2026-01-01/shop.sql", "2026-01-01T00:00")]
    [InlineData("2026/01/02/shop.sql", "2026-01-02T00:00")]
    // Made by a clock that is ahead, or in a zone where it is tomorrow already.
    [InlineData("shop-20261128T130000Z.sql", "2026-11-28T12:00Z")]
    public void A_name_states_a_moment(string name, string expected)
    {
        DateTimeOffset moment = DateTimeOffset.Parse(expected, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal);
        Assert.Equal(moment, ForeignName.MomentOf(Path.Join("/srv/old", name), Now));
    }

    [Theory]
    [InlineData("pats.db")]
    [InlineData("pats_2024.db")]
    [InlineData("shop-202601.sql")]
    [InlineData("shop-20261341.sql")]
    [InlineData("shop-20260230.sql")]
    // Day first or month first?
    [InlineData("shop-01-02-2026.sql")]
    // Which of the two?
    [InlineData("shop-20260101-20260131.sql")]
    // In the future, so it is no moment of a backup.
    [InlineData("shop-20270101.sql")]
    [InlineData("order-120260101.sql")]
    [InlineData("deploy-202601019.sql")]
    [InlineData("1767225600.sql")]
    [InlineData("2026-01-01/old/shop.sql")]
    public void A_name_states_none(string name) => Assert.Null(ForeignName.MomentOf(Path.Join("/srv/old", name), Now));

    [Theory]
    [InlineData("shop.sql", "shop")]
    [InlineData("shop-2026-11-21.sql.gz", "shop")]
    [InlineData("shop-20261121-full.sql", "shop-full")]
    [InlineData("20261121_020000_shop.dump", "shop")]
    [InlineData("pats.db.20261121", "pats")]
    [InlineData("partshub_backup_20261101.tar.gz", "partshub_backup")]
    [InlineData("/x/shop.tar.zst", "shop")]
    [InlineData("shop.v2.dump", "shop.v2")]
    [InlineData("pats_2024.db", "pats_2024")]
    [InlineData("shop-01-02-2026.sql", "shop-01-02-2026")]
    [InlineData(".sql", ".sql")]
    [InlineData("2026-11-21.sql", "")]
    public void A_series_of_dumps_has_one_name(string path, string stem) => Assert.Equal(stem, ForeignName.StemOf(path));

    [Theory]
    [InlineData("vamsa-full-2024-01-29T00-00-00-000Z.sql.gz", "vamsa")]
    [InlineData("aimms_postgres_20260101_020000.sql.gz", "aimms")]
    [InlineData("arthsaarthi_backup_2026-01-01.dump", "arthsaarthi")]
    [InlineData("partshub_backup_20260101.tar.gz", "partshub")]
    [InlineData("partshub_data_20260101", "partshub_data")]
    [InlineData("shop.sql.xz", "shop")]
    [InlineData("shop.tar.bz2", "shop")]
    [InlineData("shop_pre_migration_20260101.sql", "shop")]
    [InlineData("safety-backup-shop-20260101.sql", "shop")]
    [InlineData("backup_postgres.sql", "postgres")]
    [InlineData("fullmoon_dumper.sql", "fullmoon_dumper")]
    [InlineData("backup_20240129.sql.gz", "")]
    [InlineData("before_refactor.sql", "")]
    public void A_name_says_what_was_backed_up(string path, string subject) => Assert.Equal(subject, ForeignName.SubjectOf(path));
}
