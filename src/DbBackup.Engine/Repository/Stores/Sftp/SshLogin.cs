using System.Net;
using DbBackup.Engine.Platform;
using Renci.SshNet;
using Renci.SshNet.Common;

namespace DbBackup.Engine.Repository.Stores.Sftp;

/// <summary>
/// How a user proves to be one: with the keys of the ssh-agent and of the usual files, and with a login that was given, whose password also opens
/// an encrypted key file.
/// </summary>
internal sealed class SshLogin : IDisposable
{
    private static readonly string[] s_usualFiles = ["id_ed25519", "id_ecdsa", "id_rsa"];

    private readonly List<IDisposable> _files = [];
    private readonly List<AuthenticationMethod> _methods = [];

    private SshLogin()
    {
    }

    /// <summary>The methods, in the order in which they are tried.</summary>
    public AuthenticationMethod[] Methods => [.. _methods];

    /// <summary>What was looked for, for the failure's text.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>Gathers the means of a login.</summary>
    /// <param name="server">The server.</param>
    /// <param name="login">The login that was given; null where none was.</param>
    /// <exception cref="BackupException">The key file that the location names cannot be used.</exception>
    public static SshLogin For(SshServer server, NetworkCredential? login)
    {
        var all = new SshLogin();
        string? password = login?.Password is { Length: > 0 } given ? given : null;
        List<IPrivateKeySource> keys = server.KeyFile is { } file ? [all.ReadNamed(file, password)] : [.. all.OfAgent(), .. all.OfFiles(password)];
        if (keys.Count > 0)
            all._methods.Add(new PrivateKeyAuthenticationMethod(server.User, [.. keys]));
        if (password is null)
        {
            all.Notes.Add("no password was given");
            return all;
        }

        all._methods.Add(new PasswordAuthenticationMethod(server.User, password));
        // Where PAM asks for the password, it is not a password's method.
        var interactive = new KeyboardInteractiveAuthenticationMethod(server.User);
        interactive.AuthenticationPrompt += (_, asked) =>
        {
            foreach (AuthenticationPrompt prompt in asked.Prompts.Where(prompt => !prompt.IsEchoed))
                prompt.Response = password;
        };
        all._methods.Add(interactive);
        return all;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable each in _files.Concat(_methods.OfType<IDisposable>()))
            each.Dispose();
    }

    private IReadOnlyList<IPrivateKeySource> OfAgent()
    {
        try
        {
            if (SshAgent.Find() is not { } agent)
            {
                Notes.Add("there is no ssh-agent");
                return [];
            }

            IReadOnlyList<AgentKey> keys = agent.ListKeys();
            Notes.Add($"the ssh-agent has {(keys.Count == 0 ? "no key" : $"{keys.Count} key{(keys.Count == 1 ? null : "s")}")}");
            return keys;
        }
        catch (Exception exception) when (exception is IOException or TimeoutException or UnauthorizedAccessException)
        {
            Notes.Add(exception.Message);
            return [];
        }
    }

    private IEnumerable<IPrivateKeySource> OfFiles(string? password)
    {
        string folder = Path.Join(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".ssh");
        foreach (string path in s_usualFiles.Select(name => Path.Join(folder, name)).Where(File.Exists))
        {
            IPrivateKeySource? key = null;
            try
            {
                key = Read(path, password);
            }
            catch (Exception exception) when (IsUnusable(exception))
            {
                // Another one may open the door.
                Notes.Add($"'{path}' cannot be used ({Reason(exception)})");
            }

            if (key is not null)
                yield return key;
        }
    }

    private PrivateKeyFile ReadNamed(string path, string? password)
    {
        try
        {
            return Read(path, password);
        }
        catch (Exception exception) when (IsUnusable(exception))
        {
            throw new BackupFailure(
                ErrorCodes.AuthenticationFailed,
                FailureCategory.PermissionDenied,
                $"The ssh key '{path}' cannot be used: {Reason(exception)}.",
                exception is SshPassPhraseNullOrEmptyException
                    ? "Give its passphrase as the password of Connect-DbBackupRepository -Credential, or load it into the ssh-agent (ssh-add) and leave out the option 'key'."
                    : "Name the private key's file with the option 'key', as in sftp://user@host/path?key=~/.ssh/id_ed25519.",
                exception)
            { Target = path };
        }
    }

    private PrivateKeyFile Read(string path, string? password)
    {
        using FileStream content = RegularFile.Open(path);
        var key = password is null ? new PrivateKeyFile(content) : new PrivateKeyFile(content, password);
        _files.Add(key);
        return key;
    }

    private static bool IsUnusable(Exception exception) =>
        exception is IOException or UnauthorizedAccessException or SshException or InvalidOperationException or NotSupportedException or ArgumentException or System.Security.Cryptography.CryptographicException;

    private static string Reason(Exception exception) => exception is SshPassPhraseNullOrEmptyException ? "it has a passphrase" : exception.Message.TrimEnd('.', ' ');
}
