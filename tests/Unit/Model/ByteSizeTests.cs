namespace DbBackup.Tests.Unit.Model;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(999, "999 B")]
    [InlineData(1000, "0.98 KB")]
    [InlineData(1024, "1.00 KB")]
    [InlineData(1_530_000, "1.46 MB")]
    [InlineData(10_485_760, "10.0 MB")]
    [InlineData(104_857_600, "100 MB")]
    [InlineData(1_073_741_824, "1.00 GB")]
    [InlineData(-2048, "-2.00 KB")]
    [InlineData(long.MaxValue, "8192 PB")]
    public void A_size_has_three_digits_and_a_unit(long bytes, string shown) => Assert.Equal(shown, ByteSize.Format(bytes));
}
