using System.Collections;
using System.Management.Automation;
using System.Security;
using DbBackup.Engine.Plans.Secrets;

namespace DbBackup.PowerShell.Plans;

/// <summary>Values of parameters on their way into a plan's file, and out of it to a command.</summary>
internal static class PlanValues
{
    private const string Username = nameof(Username);
    private const string Password = nameof(Password);

    /// <summary>Returns a value as it is written into a plan.</summary>
    /// <param name="parameter">The parameter, for the error.</param>
    /// <param name="value">What the hashtable holds.</param>
    /// <exception cref="BackupException">It cannot be written there, or is a secret.</exception>
    public static object? ForPlan(string parameter, object? value) => (value is PSObject wrapped ? wrapped.BaseObject : value) switch
    {
        null => null,
        string text when SecretText.Masked(text) != text => throw Secret(parameter, "its text holds a password", "Leave the password out. It comes from the password file (~/.pgpass), or from a table Credential with Username, and in Password a reference such as env:NAME."),
        string text => text,
        bool flag => flag,
        SwitchParameter given => given.IsPresent,
        sbyte or byte or short or ushort or int => Convert.ToInt32(value, System.Globalization.CultureInfo.InvariantCulture),
        long or uint => Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture),
        double or float => Convert.ToDouble(value, System.Globalization.CultureInfo.InvariantCulture),
        Enum named => named.ToString(),
        PSCredential credential when OperatingSystem.IsWindows() => Sealed(credential),
        SecureString when IsSecret(parameter) => throw Secret(parameter, "it is a passphrase in memory", "Write where it is: env:NAME, file:/path or vault:Vault/Name."),
        PSCredential or SecureString => throw Secret(parameter, "it is a password in memory", $"Write a table with Username, and in Password where it is: env:NAME, file:/path or vault:Vault/Name."),
        PlanParameterDictionary table => table,
        IDictionary table => Table(parameter, table),
        FileSystemInfo file => file.FullName,
        IEnumerable list => list.Cast<object?>().Select(item => ForPlan(parameter, item)).ToArray(),
        var other => throw new BackupFailure(
            ErrorCodes.PlanInvalid, FailureCategory.InvalidArgument, $"-{parameter} is a {other.GetType().Name}, which a plan's file cannot hold.", "Give texts, numbers, $true or lists of texts."),
    };

    /// <summary>The parameters that are secrets: a plan has a reference in place of each.</summary>
    public static bool IsSecret(string parameter) => parameter.Equals("Passphrase", StringComparison.OrdinalIgnoreCase);

    /// <summary>Returns a plan's value as a command takes it.</summary>
    /// <exception cref="BackupException">A secret is not there.</exception>
    public static object? ForCommand(string parameter, object? value, Func<SecretReference, string> ofShell) => value switch
    {
        string reference when IsSecret(parameter) => Secure(SecretReference.Parse(reference, "-" + parameter).Resolve(ofShell)),
        PlanParameterDictionary table => Credential(table, ofShell),
        string => value,
        IEnumerable<object?> list => list.Select(item => ForCommand(parameter, item, ofShell)).ToArray(),
        _ => value,
    };

    private static PlanParameterDictionary Table(string parameter, IDictionary table)
    {
        var values = new PlanParameterDictionary(table.Cast<DictionaryEntry>().Select(pair => KeyValuePair.Create($"{pair.Key}", (object?)pair.Value?.ToString())));
        Require(values, parameter);
        return values;
    }

    private static void Require(PlanParameterDictionary table, string parameter)
    {
        if (table.Count != 2 || table.GetValueOrDefault(Username) is not string { Length: > 0 } || table.GetValueOrDefault(Password) is not string secret)
        {
            throw new BackupFailure(
                ErrorCodes.PlanInvalid, FailureCategory.InvalidArgument, $"-{parameter} is no credential: it needs Username and Password alone.", $"In Password stands where the password is: env:NAME, file:/path or vault:Vault/Name.");
        }

        SecretReference.Parse(secret, "-" + parameter);
    }

    private static PSCredential Credential(PlanParameterDictionary table, Func<SecretReference, string> ofShell)
    {
        Require(table, "Credential");
        return new PSCredential((string)table[Username]!, Secure(SecretReference.Parse((string)table[Password]!, "-Credential").Resolve(ofShell)));
    }

    private static SecureString Secure(string text)
    {
        var secret = new SecureString();
        foreach (char character in text)
            secret.AppendChar(character);
        secret.MakeReadOnly();
        return secret;
    }

    // DPAPI: nobody but this user on this machine reads it back.
    private static PlanParameterDictionary Sealed(PSCredential credential)
    {
        using var pipeline = System.Management.Automation.PowerShell.Create();
        string text = pipeline.AddCommand("ConvertFrom-SecureString").AddParameter("SecureString", credential.Password).Invoke<string>()[0];
        return new PlanParameterDictionary([KeyValuePair.Create(Username, (object?)credential.UserName), KeyValuePair.Create(Password, (object?)$"{SecretReference.OfWindows}:{text}")]);
    }

    private static BackupFailure Secret(string parameter, string why, string hint) => new(
        ErrorCodes.SecretInPlan, FailureCategory.InvalidArgument, $"-{parameter} cannot stand in a plan, which holds no secrets: {why}.", hint);
}
