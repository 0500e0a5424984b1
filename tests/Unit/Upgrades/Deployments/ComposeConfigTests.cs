using DbBackup.Upgrades.Deployments;

namespace DbBackup.Tests.Unit.Upgrades.Deployments;

/// <summary>What compose prints of a project, in the layout of either of its generations.</summary>
public sealed class ComposeConfigTests
{
    // docker-compose 1.29.
    private const string First = """
        services:
          '7':
            image: redis:7
          a.b:
            image: registry.local:5000/team/a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
          both:
            build:
              context: /srv/shop/both
            image: team/both
          built:
            build:
              context: /srv/shop
            command: 'sh -c "echo a


              echo image: b"

              '
            environment:
              image: not this
            labels:
              image: nor this
          db:
            environment:
              POSTGRES_DB: shop
            image: postgres:15
        version: '3.4'
        volumes:
          db:
            labels:
              image: volume
          only_a_volume:
            labels:
              image: volume

        """;

    // docker compose 2.
    private const string Second = """
        name: shop
        services:
          "7":
            command:
              - |
                echo a

                echo b
            image: redis:7
            networks:
              default: null
          built:
            build:
              context: /srv/shop
              dockerfile: Dockerfile
            environment:
              image: not this
          db:
            image: "postgres:15"
        networks:
          default:
            name: shop_default
        x-template:
          image: nor this
          built:
            image: nor this
        """;

    [Theory]
    [InlineData("7", "redis:7")]
    [InlineData("a.b", "registry.local:5000/team/a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]
    [InlineData("both", "team/both")]
    [InlineData("built", null)]
    [InlineData("db", "postgres:15")]
    [InlineData("only_a_volume", null)]
    [InlineData("no_such", null)]
    public void Image_of_a_service_is_found(string service, string? image)
    {
        Assert.Equal(image, ComposeConfig.ImageOf(First, service));
        Assert.Equal(image, ComposeConfig.ImageOf(First.ReplaceLineEndings("\r\n"), service));
    }

    [Theory]
    [InlineData("7", "redis:7")]
    [InlineData("built", null)]
    [InlineData("db", "postgres:15")]
    [InlineData("default", null)]
    public void Image_of_a_service_is_found_in_the_second_layout(string service, string? image) => Assert.Equal(image, ComposeConfig.ImageOf(Second, service));

    [Fact]
    public void Nothing_is_found_in_nothing() => Assert.Null(ComposeConfig.ImageOf(string.Empty, "db"));
}
