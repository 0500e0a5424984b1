using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Text;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Engines.PostgreSql;

/// <summary>Any role may set a setting or the comment of its own to any text, and none of it becomes a statement.</summary>
public sealed class RoleScriptTests
{
    [Theory]
    [InlineData("CREATE ROLE ann;", "CREATE ROLE \"ann\"")]
    [InlineData("CREATE ROLE Ann;", "CREATE ROLE \"ann\"")]
    [InlineData("ALTER ROLE ann WITH NOSUPERUSER INHERIT NOCREATEROLE LOGIN CONNECTION LIMIT 7 PASSWORD 'md5''x' VALID UNTIL '2030-01-01 00:00:00+00';",
        "ALTER ROLE \"ann\" WITH NOSUPERUSER INHERIT NOCREATEROLE LOGIN CONNECTION LIMIT 7 PASSWORD 'md5''x' VALID UNTIL '2030-01-01 00:00:00+00'")]
    [InlineData("ALTER ROLE ann SET search_path TO '$user', 'sales';", "ALTER ROLE \"ann\" SET \"search_path\" TO '$user', 'sales'")]
    [InlineData("ALTER ROLE ann SET search_path TO public, \"Sales\";", "ALTER ROLE \"ann\" SET \"search_path\" TO 'public', 'Sales'")]
    [InlineData("ALTER ROLE ann SET \"TimeZone\" TO 'UTC';", "ALTER ROLE \"ann\" SET \"TimeZone\" TO 'UTC'")]
    [InlineData("ALTER ROLE ann SET \"app.path\" TO E'C:\\\\data';", "ALTER ROLE \"ann\" SET \"app.path\" TO  E'C:\\\\data'")]
    [InlineData("COMMENT ON ROLE ann IS 'two\nlines;\n\\! x';", "COMMENT ON ROLE \"ann\" IS  E'two\nlines;\n\\\\! x'")]
    [InlineData("GRANT team TO ann WITH ADMIN OPTION, INHERIT FALSE GRANTED BY postgres;", "GRANT \"team\" TO \"ann\" WITH ADMIN OPTION, INHERIT FALSE GRANTED BY \"postgres\"")]
    [InlineData("GRANT SET ON PARAMETER log_duration TO ann;", "GRANT SET ON PARAMETER \"log_duration\" TO \"ann\"")]
    [InlineData("GRANT SET, ALTER SYSTEM ON PARAMETER \"my.own\" TO \"Ann\" WITH GRANT OPTION;", "GRANT SET, ALTER SYSTEM ON PARAMETER \"my.own\" TO \"Ann\" WITH GRANT OPTION")]
    [InlineData("GRANT ALL ON PARAMETER work_mem TO ann;", "GRANT ALL ON PARAMETER \"work_mem\" TO \"ann\"")]
    [InlineData("GRANT set TO ann GRANTED BY postgres;", "GRANT \"set\" TO \"ann\" GRANTED BY \"postgres\"")]
    public void Statements_of_the_known_forms_are_written_anew(string text, string expected) => Assert.Equal(expected, RoleStatement.Read(text)!.Sql);

    [Theory]
    [InlineData("ALTER ROLE ann RENAME TO bob;")]
    [InlineData("ALTER ROLE ann IN DATABASE shop SET work_mem TO '1GB';")]
    [InlineData("ALTER ROLE ann WITH LOGIN \\! id;")]
    [InlineData("ALTER ROLE ann WITH LOGIN; DROP ROLE bob;")]
    [InlineData("ALTER ROLE ann SET x TO (SELECT 1);")]
    [InlineData("ALTER ROLE ann SET x TO 'a' || 'b';")]
    [InlineData("ALTER ROLE ann SET x TO E'\\'; DROP ROLE bob; --';")]
    [InlineData("CREATE ROLE ann SUPERUSER;")]
    [InlineData("COMMENT ON DATABASE ann IS 'x';")]
    [InlineData("GRANT ALL ON DATABASE shop TO ann;")]
    [InlineData("GRANT team TO ann, bob;")]
    [InlineData("GRANT SELECT ON PARAMETER work_mem TO ann;")]
    [InlineData("GRANT ALTER ON PARAMETER work_mem TO ann;")]
    [InlineData("GRANT SET ON PARAMETER work_mem TO ann WITH ADMIN OPTION;")]
    [InlineData("DROP ROLE ann;")]
    [InlineData("CREATE ROLE 'ann';")]
    [InlineData("CREATE ROLE ann")]
    [InlineData("CREATE ROLE;")]
    public void All_others_are_not_run(string text) => Assert.Null(RoleStatement.Read(text));

    [Theory]
    [InlineData("ALTER ROLE mallory SET search_path TO 'x\nCREATE ROLE evil;\nALTER ROLE evil WITH SUPERUSER LOGIN;\n';")]
    [InlineData("ALTER ROLE mallory SET search_path TO \"x\nCREATE ROLE evil;\nALTER ROLE evil WITH SUPERUSER LOGIN;\n\";")]
    [InlineData("COMMENT ON ROLE mallory IS 'x\r\nCREATE ROLE evil;\r\nALTER ROLE evil WITH SUPERUSER LOGIN;';")]
    [InlineData("COMMENT ON ROLE mallory IS E'\\\\''\nCREATE ROLE evil;\nALTER ROLE evil WITH SUPERUSER LOGIN;';")]
    [InlineData("SECURITY LABEL ON ROLE mallory IS $x$\nCREATE ROLE evil;\nALTER ROLE evil WITH SUPERUSER LOGIN;\n$x$;")]
    [InlineData("/*\nCREATE ROLE evil;\nALTER ROLE evil WITH SUPERUSER LOGIN;\n*/")]
    public async Task Line_ends_within_what_a_role_may_set_begin_no_statement(string text)
    {
        RoleScript script = await ReadAsync($"CREATE ROLE mallory;\nALTER ROLE mallory WITH LOGIN;\n{text}\nCREATE ROLE ann;\n");

        Assert.Equal(["mallory", "ann"], script.Roles);
        Assert.DoesNotContain(script.For(["mallory", "ann", "evil"]), statement => statement.Role == "evil" || statement.Power is not null);
    }

    [Fact]
    public async Task A_script_that_ends_within_a_statement_is_refused()
    {
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => ReadAsync("CREATE ROLE ann;\nCOMMENT ON ROLE ann IS 'x\nCREATE ROLE bob;\n"));

        ErrorAssert.Sound(failure);
        Assert.Equal(ErrorCodes.FormatNotSupported, failure.Code);
    }

    [Fact]
    public async Task A_script_that_grows_without_end_is_refused()
    {
        using var endless = new Endless();

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => RoleScript.ReadAsync(endless, CancellationToken.None));

        Assert.Equal(ErrorCodes.FormatNotSupported, failure.Code);
    }

    private static Task<RoleScript> ReadAsync(string text) => RoleScript.ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes(text)), CancellationToken.None);

    // Comments of a quarter of a megabyte, for ever.
    private sealed class Endless : MemoryStream
    {
        private readonly byte[] _statement = Encoding.UTF8.GetBytes($"COMMENT ON ROLE ann IS '{new string('x', 1 << 18)}';\n");
        private int _at;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int length = Math.Min(buffer.Length, _statement.Length - _at);
            _statement.AsMemory(_at, length).CopyTo(buffer);
            _at = (_at + length) % _statement.Length;
            return ValueTask.FromResult(length);
        }
    }
}
