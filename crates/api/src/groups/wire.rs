//! Groups as the wire shows them, with the people in them that the caller may see.

use std::collections::HashMap;

use bursar_sdk as sdk;
use model::{
    GroupId,
    groups::{Group, GroupMember},
};

/// Groups, each with its part of the people.
pub(crate) fn groups(groups: Vec<Group>, members: Vec<GroupMember>) -> Vec<sdk::Group> {
    let mut by_group: HashMap<GroupId, Vec<sdk::ReducedUser>> = HashMap::new();
    for member in members {
        by_group
            .entry(member.group_id)
            .or_default()
            .push(reduced_user(member));
    }
    let with_members = |found: Group| {
        let members = by_group.remove(&found.id).unwrap_or_default();
        group(found, members)
    };
    groups.into_iter().map(with_members).collect()
}

/// One group with the people in it.
pub(crate) fn group_with(found: Group, members: Vec<GroupMember>) -> sdk::Group {
    group(found, members.into_iter().map(reduced_user).collect())
}

fn group(group: Group, members: Vec<sdk::ReducedUser>) -> sdk::Group {
    sdk::Group {
        id: group.id.0,
        name: group.name.into(),
        display_name: group.display_name,
        organization_id: group.organization_id.0,
        members,
        total_member_count: group.total_member_count,
        avatar_url: group.avatar_url,
        quota_allowance: 0,
        source: sdk::GroupSource::User,
        organization_name: group.organization_name.into(),
        organization_display_name: group.organization_display_name,
    }
}

fn reduced_user(member: GroupMember) -> sdk::ReducedUser {
    sdk::ReducedUser {
        id: member.user_id.0,
        username: member.username.into(),
        name: member.name,
        avatar_url: String::new(),
        email: member.email,
    }
}
