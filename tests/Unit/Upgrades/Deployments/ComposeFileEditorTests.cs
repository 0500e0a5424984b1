using DbBackup.Upgrades;
using DbBackup.Upgrades.Deployments.ComposeFiles;

namespace DbBackup.Tests.Unit.Upgrades.Deployments;

public sealed class ComposeFileEditorTests
{
    /// <summary>An upgrade of the server of a project with its volume declared in the file.</summary>
    internal static readonly UpgradeSubject.MajorVersion Server = new("shop-db-1", "postgres:18")
    {
        Project = "shop",
        Service = "db",
        From = 15,
        To = 18,
        Old = new UpgradeSubject.ServerVolume("shop_data", "/var/lib/postgresql/data", "data"),
        New = new UpgradeSubject.ServerVolume("shop_data-18", "/var/lib/postgresql", "data-18"),
    };

    [Theory]
    [InlineData(
        "blocks, comments and order stay",
        """
        # the shop
        services:
          web: {image: web, depends_on: [db]}
          db:   # the server
            image: postgres:15   # pinned
            volumes:
              - ./init:/docker-entrypoint-initdb.d:ro
              - data:/var/lib/postgresql/data   # all of it
            environment: {POSTGRES_PASSWORD: secret}

        volumes:
          data:
            driver: local

          # of the web
          uploads:
        """,
        """
        # the shop
        services:
          web: {image: web, depends_on: [db]}
          db:   # the server
            image: postgres:18   # pinned
            volumes:
              - ./init:/docker-entrypoint-initdb.d:ro
              - data-18:/var/lib/postgresql   # all of it
            environment: {POSTGRES_PASSWORD: secret}

        volumes:
          data:
            driver: local
          data-18:

          # of the web
          uploads:
        """)]
    [InlineData(
        "flow style, quotes and options",
        "services: {db: {image: 'postgres:15', volumes: [\"data:/var/lib/postgresql/data:rw\"]}}\nvolumes: {data: {}}\n",
        "services: {db: {image: 'postgres:18', volumes: [\"data-18:/var/lib/postgresql:rw\"]}}\nvolumes: {data-18: {}, data: {}}\n")]
    [InlineData(
        "long form, last line without an end",
        "services:\n  db:\n    image: \"postgres:15\"\n    volumes:\n    - type: volume\n      source: data\n      target: /var/lib/postgresql/data/\n      read_only: false\nvolumes:\n  data:",
        "services:\n  db:\n    image: \"postgres:18\"\n    volumes:\n    - type: volume\n      source: data-18\n      target: /var/lib/postgresql\n      read_only: false\nvolumes:\n  data:\n  data-18:")]
    [InlineData(
        "Windows line endings and a byte order mark",
        "\uFEFFservices:\r\n  db:\r\n    image: postgres:15\r\n    volumes:\r\n    - data:/var/lib/postgresql/data\r\nvolumes:\r\n  data: {}\r\n  z:\r\n",
        "\uFEFFservices:\r\n  db:\r\n    image: postgres:18\r\n    volumes:\r\n    - data-18:/var/lib/postgresql\r\nvolumes:\r\n  data: {}\r\n  data-18:\r\n  z:\r\n")]
    [InlineData(
        "letters beyond the first plane before the lines",
        "# 🐘 Bücher\nservices:\n  db:\n    image: postgres:15\n    volumes:\n    - data:/var/lib/postgresql/data\nvolumes:\n  data:\n",
        "# 🐘 Bücher\nservices:\n  db:\n    image: postgres:18\n    volumes:\n    - data-18:/var/lib/postgresql\nvolumes:\n  data:\n  data-18:\n")]
    [InlineData(
        "image there already",
        "services:\n  db:\n    image: postgres:18\n    volumes:\n    - data:/var/lib/postgresql/data\nvolumes:\n  data:\n",
        "services:\n  db:\n    image: postgres:18\n    volumes:\n    - data-18:/var/lib/postgresql\nvolumes:\n  data:\n  data-18:\n")]
    [InlineData(
        "all there already",
        "services:\n  db:\n    image: postgres:18\n    volumes:\n    - data-18:/var/lib/postgresql\nvolumes:\n  data-18:\n",
        "services:\n  db:\n    image: postgres:18\n    volumes:\n    - data-18:/var/lib/postgresql\nvolumes:\n  data-18:\n")]
    public void Lines_are_changed_and_nothing_else(string what, string before, string after)
    {
        IReadOnlyList<TextEdit> edits = Assert.Single(ComposeFileEditor.Edit([before], Server));
        string changed = TextEdit.Apply(before, edits);
        Assert.True(after == changed, $"{what}:\n{changed}");
        Assert.Equal(before, TextEdit.Apply(changed, TextEdit.Reverse(edits)));
        // What is changed already is not changed again.
        Assert.All(ComposeFileEditor.Edit([changed], Server), Assert.Empty);
    }

    [Fact]
    public void Later_files_override_the_image_and_each_mount_is_changed()
    {
        const string First = "services:\n  db:\n    image: postgres:14\n    volumes: ['data:/var/lib/postgresql/data']\nvolumes:\n  data:\n";
        const string Second = "services:\n  db:\n    image: postgres:15\n    volumes: ['data:/var/lib/postgresql/data']\n";
        IReadOnlyList<IReadOnlyList<TextEdit>> edits = ComposeFileEditor.Edit([First, Second], Server);
        Assert.Equal("services:\n  db:\n    image: postgres:14\n    volumes: ['data-18:/var/lib/postgresql']\nvolumes:\n  data:\n  data-18:\n", TextEdit.Apply(First, edits[0]));
        Assert.Equal("services:\n  db:\n    image: postgres:18\n    volumes: ['data-18:/var/lib/postgresql']\n", TextEdit.Apply(Second, edits[1]));
    }

    [Theory]
    [InlineData(
        "services:\n  db:\n    image: postgres:15\n    volumes:\n    - data:/var/lib/postgresql/data\n    - fast:/srv/fast/\nvolumes:\n  data:\n  fast:\n",
        "services:\n  db:\n    image: postgres:18\n    volumes:\n    - data-18:/var/lib/postgresql\n    - fast-18:/srv/fast/\nvolumes:\n  data:\n  data-18:\n  fast:\n  fast-18:\n")]
    [InlineData(
        "services: {db: {image: postgres:15, volumes: [{type: volume, source: fast, target: /srv/fast}, 'data:/var/lib/postgresql/data']}}\nvolumes: {fast: {}, data: {}}\n",
        "services: {db: {image: postgres:18, volumes: [{type: volume, source: fast-18, target: /srv/fast}, 'data-18:/var/lib/postgresql']}}\nvolumes: {fast-18: {}, fast: {}, data-18: {}, data: {}}\n")]
    [InlineData(
        "services:\n  db:\n    image: postgres:15\n    volumes: [data:/var/lib/postgresql/data, fast:/srv/fast]\nvolumes:\n  fast:\n  data:",
        "services:\n  db:\n    image: postgres:18\n    volumes: [data-18:/var/lib/postgresql, fast-18:/srv/fast]\nvolumes:\n  fast:\n  fast-18:\n  data:\n  data-18:")]
    public void Volumes_of_tablespaces_are_changed_too(string before, string after)
    {
        UpgradeSubject.MajorVersion server = Server with
        {
            Tablespaces = [new UpgradeSubject.MovedVolume(new UpgradeSubject.ServerVolume("shop_fast", "/srv/fast", "fast"), new UpgradeSubject.ServerVolume("shop_fast-18", "/srv/fast", "fast-18"))],
        };
        string changed = TextEdit.Apply(before, ComposeFileEditor.Edit([before], server)[0]);
        Assert.Equal(after, changed);
        Assert.All(ComposeFileEditor.Edit([changed], server), Assert.Empty);
        Assert.Contains("no file mounts", Assert.Throws<FormatException>(() => ComposeFileEditor.Edit([before.Replace("/srv/fast", "/srv/slow", StringComparison.Ordinal)], server)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("volumes:\n  pg:\n    external: true\n    name: pgdata\n", "volumes:\n  pg:\n    external: true\n    name: pgdata\n  pg-18:\n    external: true\n    name: pgdata-18\n")]
    [InlineData("volumes: {pg: {external: true, name: pgdata}}\n", "volumes: {pg-18: {external: true, name: pgdata-18}, pg: {external: true, name: pgdata}}\n")]
    public void Volume_that_compose_does_not_create_is_declared_by_its_name(string declared, string after)
    {
        UpgradeSubject.MajorVersion server = Server with { Old = new UpgradeSubject.ServerVolume("pgdata", "/var/lib/postgresql/data"), New = new UpgradeSubject.ServerVolume("pgdata-18", "/var/lib/postgresql") };
        string text = "services:\n  db:\n    image: postgres:15\n    volumes: [pg:/var/lib/postgresql/data]\n" + declared;
        string changed = TextEdit.Apply(text, ComposeFileEditor.Edit([text], server)[0]);
        Assert.Equal("services:\n  db:\n    image: postgres:18\n    volumes: [pg-18:/var/lib/postgresql]\n" + after, changed);
    }

    [Theory]
    [InlineData("services:\n  db:\n    image: postgres:${PG:-15}\n    volumes: [data:/var/lib/postgresql/data]\nvolumes: {data: }\n", "variable")]
    [InlineData("services:\n  db:\n    image: postgres:15\n    volumes: ['${DATA}:/var/lib/postgresql/data']\nvolumes: {data: }\n", "not the name of a volume")]
    [InlineData("services:\n  db:\n    image: postgres:15\n    volumes: [./data:/var/lib/postgresql/data]\n", "not the name of a volume")]
    [InlineData("services:\n  db:\n    image: postgres:15\n    volumes: [other:/var/lib/postgresql/data]\nvolumes: {other: }\n", "not the name of a volume")]
    [InlineData("x: &image postgres:15\nservices:\n  db:\n    image: *image\n    volumes: [data:/var/lib/postgresql/data]\nvolumes: {data: }\n", "written in a way")]
    [InlineData("services:\n  db:\n    image: !!str postgres:15\n    volumes: [data:/var/lib/postgresql/data]\nvolumes: {data: }\n", "written in a way")]
    [InlineData("services:\n  db:\n    image: \"postgres\\x3a15\"\n    volumes: [data:/var/lib/postgresql/data]\nvolumes: {data: }\n", "written in a way")]
    [InlineData("x: &db {image: postgres:15}\nservices:\n  db:\n    <<: *db\n    volumes: [data:/var/lib/postgresql/data]\nvolumes: {data: }\n", "no file names the image")]
    [InlineData("services:\n  db:\n    image: postgres:15\n", "no file mounts")]
    [InlineData("services:\n  db:\n    image: postgres:15\n    volumes: [data:/var/lib/postgresql/data]\n", "no file declares")]
    [InlineData("services: [", "no YAML")]
    [InlineData("", "no file names the image")]
    public void Lines_that_cannot_be_told_are_refused_with_the_reason(string text, string reason) =>
        Assert.Contains(reason, Assert.Throws<FormatException>(() => ComposeFileEditor.Edit([text], Server)).Message, StringComparison.Ordinal);

    [Fact]
    public void Difference_names_the_lines()
    {
        const string Text = "services:\n  db:\n    image: postgres:15\n    volumes:\n    - data:/var/lib/postgresql/data\nvolumes:\n  data:\n";
        Assert.Equal(
            ["-    image: postgres:15", "+    image: postgres:18", "-    - data:/var/lib/postgresql/data", "+    - data-18:/var/lib/postgresql", "+  data-18:"],
            TextEdit.Difference(Text, ComposeFileEditor.Edit([Text], Server)[0]));
    }

    [Fact]
    public void Difference_shows_no_password_that_stands_in_the_same_line()
    {
        const string Text = "services: {db: {image: postgres:15, environment: {POSTGRES_PASSWORD: secret}, volumes: [data:/var/lib/postgresql/data]}}\nvolumes: {data: {}}\n";
        Assert.Equal(
            ["-postgres:15 … data:/var/lib/postgresql/data", "+postgres:18 … data-18:/var/lib/postgresql", "+data-18: {}, "],
            TextEdit.Difference(Text, ComposeFileEditor.Edit([Text], Server)[0]));
    }
}
