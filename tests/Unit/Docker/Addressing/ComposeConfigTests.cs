using DbBackup.Engine.Docker.Addressing;

namespace DbBackup.Tests.Unit.Docker.Addressing;

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
        Assert.Equal(image, ImageOf(First, service));
        Assert.Equal(image, ImageOf(First.ReplaceLineEndings("\r\n"), service));
    }

    [Theory]
    [InlineData("7", "redis:7")]
    [InlineData("built", null)]
    [InlineData("db", "postgres:15")]
    [InlineData("default", null)]
    public void Image_of_a_service_is_found_in_the_second_layout(string service, string? image) => Assert.Equal(image, ImageOf(Second, service));

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("services:\n- a\n  b: c\n x\n")]
    [InlineData("services: 1\nvolumes:\n")]
    public void Nothing_is_found_in_nothing(string text) => Assert.Empty(ComposeConfig.Parse(text).Services);

    [Fact]
    public void Mounts_and_dependencies_are_read_of_the_first_layout()
    {
        ComposeConfig config = ComposeConfig.Parse(
            """
            services:
              backend:
                depends_on:
                  db:
                    condition: service_healthy
                  migrate:
                    condition: service_completed_successfully
                network_mode: service:db
                profiles:
                - full
                restart: always
                volumes:
                - /srv/a b:/app/data:rw
                - uploads:/app/uploads:rw
                - kept:/app/kept
                - /anon
                - bind:
                    create_host_path: true
                  source: /srv/long
                  target: /long
                  type: bind
            version: '2.4'
            volumes:
              uploads: {}
              kept:
                external: true
                name: kept_for_ever
            """,
            "shop");
        ComposeService service = config.Services["backend"];
        Assert.Null(config.Name);
        Assert.Equal(
            [new("/app/data", "bind", "/srv/a b"), new("/app/uploads", "volume", "shop_uploads"), new("/app/kept", "volume", "kept_for_ever"), new("/anon", "volume", null), new("/long", "bind", "/srv/long")],
            service.Mounts);
        Assert.Equal(("service_healthy", ComposeService.Completed), (service.Dependencies["db"], service.Dependencies["migrate"]));
        Assert.Equal(("service:db", true, "full"), (service.NetworkMode, service.IsRestarted, Assert.Single(service.Profiles)));
    }

    [Fact]
    public void Mounts_and_dependencies_are_read_of_the_second_layout()
    {
        ComposeConfig config = ComposeConfig.Parse(
            """
            {"name":"prod","services":{"backend":{"container_name":"own","depends_on":{"migrate":{"condition":"service_completed_successfully","required":true}},"restart":"no",
            "volumes":[{"type":"bind","source":"/srv/data","target":"/app/data","bind":{}},{"type":"volume","source":"up","target":"/up"},{"type":"volume","target":"/anon"}]}},
            "volumes":{"up":{"name":"prod_up"}}}
            """);
        Assert.Equal("prod", config.Name);
        ComposeService service = config.Services["backend"];
        Assert.Equal([new("/app/data", "bind", "/srv/data"), new("/up", "volume", "prod_up"), new("/anon", "volume", null)], service.Mounts);
        Assert.Equal((ComposeService.Completed, false, "own"), (service.Dependencies["migrate"], service.IsRestarted, service.ContainerName));
    }

    private static string? ImageOf(string text, string service) => ComposeConfig.Parse(text).Services.GetValueOrDefault(service)?.Image;
}
