using System.Reflection;

namespace DbBackup.TestHost;

/// <summary>A process that starts a PostgreSQL server as the tests do, and waits to be killed.</summary>
internal static class PostgreSqlHost
{
    /// <param name="tests">The assembly of the tests, whose server is started: what is tried is that very code.</param>
    public static void Serve(string tests)
    {
        Type type = Assembly.LoadFrom(tests).GetType("DbBackup.Testing.PostgreSqlServer", throwOnError: true)!;
        object server = type.GetMethod("Start")!.Invoke(null, [null])!;
        Console.WriteLine($"ready {type.GetProperty("SocketFolder")!.GetValue(server)}");
        Console.ReadLine();
        GC.KeepAlive(server);
    }
}
