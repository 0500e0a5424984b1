using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace DbBackup.Testing;

/// <summary>Runs a stock program to its end; anything but exit code 0 fails the test with the program's own words.</summary>
internal sealed class PostgreSqlClient(ProcessStartInfo start)
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>A client program that finds the server, its user and its password in the environment, and nothing else of this machine's settings.</summary>
    public static PostgreSqlClient Of(PostgreSqlServer server, string program)
    {
        var start = new ProcessStartInfo(program);
        foreach (string variable in start.Environment.Keys.Where(key => key.StartsWith("PG", StringComparison.Ordinal)).ToList())
            start.Environment.Remove(variable);
        start.Environment["PGHOST"] = server.Host;
        start.Environment["PGPORT"] = server.Port.ToString(CultureInfo.InvariantCulture);
        start.Environment["PGUSER"] = server.User;
        start.Environment["PGPASSWORD"] = server.Password;
        start.Environment["PGCLIENTENCODING"] = "UTF8";
        start.Environment["PGOPTIONS"] = "-c client_min_messages=warning";
        return new PostgreSqlClient(start);
    }

    /// <summary>Runs it on a database with an input, and gives its output.</summary>
    public string Run(string database, string input, params string[] arguments)
    {
        // As an argument, a name with "=" in it would be read as a connection string.
        start.Environment["PGDATABASE"] = database;
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        return Run(input);
    }

    /// <summary>Runs it with an input, and gives its output.</summary>
    public string Run(string input)
    {
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.StandardInputEncoding = start.StandardOutputEncoding = start.StandardErrorEncoding = Utf8;
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        try
        {
            process.StandardInput.Write(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended before it had read everything; its exit code says why.
        }

        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{Path.GetFileName(start.FileName)} exited with {process.ExitCode}: {errors.Result}{output.Result}");
        return output.Result;
    }
}
