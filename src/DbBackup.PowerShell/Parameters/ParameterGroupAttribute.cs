using System.Diagnostics;

namespace DbBackup.PowerShell.Parameters;

/// <summary>
/// Gives a partial cmdlet class the parameters of a group, which are declared once, in that group. The compiler copies them
/// (<c>tools/ParameterGroups</c>); nothing of this is left at run time.
/// </summary>
/// <typeparam name="TGroup">The class that declares the parameters as properties.</typeparam>
/// <param name="sets">The parameter sets; without one, all of them.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
[Conditional("COMPILE_TIME_ONLY")]
internal sealed class ParameterGroupAttribute<TGroup>(params string[] sets) : Attribute
    where TGroup : class
{
    /// <summary>The parameter sets.</summary>
    public string[] Sets { get; } = sets;

    /// <summary>The parameters of the group that the cmdlet takes; without them, all of it.</summary>
    public string[]? Members { get; set; }

    /// <summary>True if they must be given.</summary>
    public bool Mandatory { get; set; }

    /// <summary>The place among the arguments without names, from 0; not set for none.</summary>
    public int Position { get; set; }

    /// <summary>True if a piped object's properties of these names are taken.</summary>
    public bool ValueFromPipelineByPropertyName { get; set; }
}
