using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Testing;

/// <summary>
/// Remotes of the stock rclone in a configuration of the tests' own: <c>store</c> is a folder, <c>sealed</c> an encrypted one in it. All tests of
/// a process share it, since rclone finds its configuration by the environment.
/// </summary>
public sealed class RcloneRemotes : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly string? _before = Environment.GetEnvironmentVariable("RCLONE_CONFIG");

    public RcloneRemotes()
    {
        Require.Tool("rclone");
        Directory.CreateDirectory(_folder["data"]);
        File.WriteAllText(_folder["rclone.conf"], $"""
            [store]
            type = alias
            remote = {_folder["data"]}

            [sealed]
            type = crypt
            remote = {_folder["data"]}/sealed
            password = {Shell.Run("rclone", "obscure", "a password of the tests").Trim()}

            """);
        Environment.SetEnvironmentVariable("RCLONE_CONFIG", _folder["rclone.conf"]);
    }

    /// <summary>A path in the folder of the remote <c>store</c>.</summary>
    public string this[string name] => Path.Join(_folder["data"], name);

    public static IObjectStore Open(string location) => StoreKind.All["rclone"].Open(StoreAddress.Parse($"rclone:{location}", []));

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("RCLONE_CONFIG", _before);
        _folder.Dispose();
    }
}
