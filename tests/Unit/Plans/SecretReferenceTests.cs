using DbBackup.Engine.Plans.Secrets;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Plans;

public sealed class SecretReferenceTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_gives_its_first_line()
    {
        File.WriteAllText(_folder["secret"], "s3cret\r\nnot this\n");

        Assert.Equal("s3cret", SecretReference.Parse("file:" + _folder["secret"], "-Credential").Resolve(_ => "no"));
    }

    [Fact]
    public void A_variable_gives_its_value()
    {
        string name = "DBBACKUP_TEST_" + Guid.NewGuid().ToString("N");
        Environment.SetEnvironmentVariable(name, "s3cret");

        Assert.Equal("s3cret", SecretReference.Parse("ENV:" + name, "-Credential").Resolve(_ => "no"));
        Environment.SetEnvironmentVariable(name, null);
    }

    [Fact]
    public void A_vault_is_the_shells() =>
        Assert.Equal("shop/name", SecretReference.Parse("vault:shop/name", "-Credential").Resolve(secret => secret.Place));

    [Theory]
    [InlineData("env:DBBACKUP_TEST_NOT_SET")]
    [InlineData("file:/nowhere/secret")]
    public void A_secret_that_is_not_there_is_an_error_that_names_its_place(string text)
    {
        BackupException failure = Assert.ThrowsAny<BackupException>(() => SecretReference.Parse(text, "-Credential").Resolve(_ => "no"));

        Assert.Equal(ErrorCodes.SecretNotFound, failure.Code);
        Assert.Contains(text, failure.Message, StringComparison.Ordinal);
        ErrorAssert.Sound(failure);
    }

    [Theory]
    [InlineData("hunter2")]
    [InlineData("env:")]
    [InlineData("vlt:x")]
    public void A_secret_itself_is_refused_and_not_repeated(string text)
    {
        BackupException failure = Assert.ThrowsAny<BackupException>(() => SecretReference.Parse(text, "-Credential"));

        Assert.Equal(ErrorCodes.SecretInPlan, failure.Code);
        ErrorAssert.Sound(failure, "hunter2");
    }

    [Fact]
    public void An_empty_file_and_a_large_one_are_no_secrets()
    {
        File.WriteAllText(_folder["empty"], string.Empty);
        File.WriteAllText(_folder["large"], new string('x', 70_000));

        Assert.All((string[])["empty", "large"], name => Assert.Equal(
            ErrorCodes.SecretNotFound, Assert.ThrowsAny<BackupException>(() => SecretReference.Parse("file:" + _folder[name], "-Credential").Resolve(_ => "no")).Code));
    }
}
