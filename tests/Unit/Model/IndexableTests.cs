using System.Collections;
using System.Reflection;

namespace DbBackup.Tests.Unit.Model;

/// <summary>In PowerShell <c>$backup.Manifest.Payloads[0]</c> is the first payload, and not all of them.</summary>
public sealed class IndexableTests
{
    public static TheoryData<string> Lists() => new(
        typeof(Backup).Assembly.GetExportedTypes()
            .SelectMany(type => type.GetProperties())
            .Where(property => property.CanWrite && property.PropertyType.IsGenericType && property.PropertyType.GetGenericTypeDefinition() == typeof(IReadOnlyList<>))
            .Where(property => !property.DeclaringType!.GetConstructors().Any(constructor => constructor.GetParameters().Any(parameter => parameter.Name == property.Name)))
            .Select(property => $"{property.DeclaringType!.FullName}.{property.Name}"));

    [Theory]
    [MemberData(nameof(Lists))]
    public void Every_list_of_the_model_can_be_indexed(string name)
    {
        int dot = name.LastIndexOf('.');
        PropertyInfo property = typeof(Backup).Assembly.GetType(name[..dot])!.GetProperty(name[(dot + 1)..])!;
        object owner = System.Runtime.CompilerServices.RuntimeHelpers.GetUninitializedObject(property.DeclaringType!);
        Type item = property.PropertyType.GetGenericArguments()[0];
        object unknown = typeof(IndexableTests).GetMethod(nameof(Two), BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(item).Invoke(null, null)!;
        Assert.False(unknown is Array);

        property.SetValue(owner, unknown);

        IList list = Assert.IsType<IList>(property.GetValue(owner), exactMatch: false);
        Assert.Equal(2, list.Count);
        // Export-Csv writes this.
        Assert.Equal($"{list[0]}, {list[1]}", list.ToString());
    }

    private static IReadOnlyList<T> Two<T>() => [default!, default!];
}
