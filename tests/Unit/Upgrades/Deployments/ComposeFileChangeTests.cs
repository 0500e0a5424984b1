using DbBackup.Upgrades.Deployments.ComposeFiles;

namespace DbBackup.Tests.Unit.Upgrades.Deployments;

/// <summary>What compose understands of changed lines, in the JSON of its second version and the YAML of its first.</summary>
public sealed class ComposeFileChangeTests
{
    private const string Before =
        """
        {"name": "shop",
         "services": {
           "db": {"image": "postgres:15", "environment": {"POSTGRES_PASSWORD": "secret"}, "volumes": [
             {"type": "volume", "source": "data", "target": "/var/lib/postgresql/data"},
             {"type": "bind", "source": "/srv/init", "target": "/docker-entrypoint-initdb.d"}]},
           "web": {"image": "web"}},
         "volumes": {"data": {"name": "shop_data"}}}
        """;

    private const string BeforeYaml =
        """
        services:
          db:
            image: postgres:15
            volumes:
            - data:/var/lib/postgresql/data:rw
          web:
            image: web
        version: '2.4'
        volumes:
          data: {}
        """;

    private static readonly string s_after = Before.Replace("postgres:15", "postgres:18", StringComparison.Ordinal)
        .Replace("\"data\", \"target\": \"/var/lib/postgresql/data\"", "\"data-18\", \"target\": \"/var/lib/postgresql\"", StringComparison.Ordinal)
        .Replace("\"data\": {\"name\": \"shop_data\"}", "\"data\": {\"name\": \"shop_data\"}, \"data-18\": {\"name\": \"shop_data-18\"}", StringComparison.Ordinal);

    private static readonly string s_afterYaml = BeforeYaml.Replace("postgres:15", "postgres:18", StringComparison.Ordinal)
        .Replace("data:/var/lib/postgresql/data", "data-18:/var/lib/postgresql", StringComparison.Ordinal).Replace("  data: {}", "  data: {}\n  data-18: {}", StringComparison.Ordinal);

    [Fact]
    public void Image_and_volume_alone_are_no_fault()
    {
        Assert.Null(ComposeFileChange.FindFault(Before, s_after, ComposeFileEditorTests.Server));
        Assert.Null(ComposeFileChange.FindFault(BeforeYaml, s_afterYaml, ComposeFileEditorTests.Server));
        // Some versions leave out what no service uses.
        Assert.Null(ComposeFileChange.FindFault(Before, s_after.Replace("\"data\": {\"name\": \"shop_data\"}, ", string.Empty, StringComparison.Ordinal), ComposeFileEditorTests.Server));
    }

    [Theory]
    [InlineData("postgres:18", "postgres:17", "use the image 'postgres:17'")]
    [InlineData("\"source\": \"data-18\"", "\"source\": \"data\"", "mount 'shop_data'")]
    [InlineData("\"target\": \"/var/lib/postgresql\"", "\"target\": \"/var/lib/postgresql/data\"", "mount ''")]
    [InlineData("\"name\": \"shop_data-18\"", "\"name\": \"else\"", "mount 'else'")]
    [InlineData("secret", "other", "more than")]
    [InlineData("\"image\": \"web\"", "\"image\": \"postgres:18\"", "more than")]
    [InlineData("/srv/init", "/srv/other", "other volumes")]
    [InlineData("\"data-18\": {", "\"more\": {}, \"data-18\": {", "more than")]
    public void Everything_else_is_one(string part, string other, string words)
    {
        string after = s_after.Replace(part, other, StringComparison.Ordinal);
        Assert.NotEqual(s_after, after);
        Assert.Contains(words, ComposeFileChange.FindFault(Before, after, ComposeFileEditorTests.Server), StringComparison.Ordinal);
    }
}
