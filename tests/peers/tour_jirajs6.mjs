// Our own longer walk with jira.js 6 (Cloud): each answer is checked by the client's own schema of it, and throws.
// usage: JJ=FOLDER-WITH-NODE_MODULES node tour_jirajs6.mjs HOST EMAIL TOKEN PROJECT   → PASS or FAIL a step; exit = failures
import { pathToFileURL } from 'node:url';

const { createCloudClient } = await import(pathToFileURL(`${process.env.JJ}/node_modules/jira.js/dist/index.js`));
const [, , host, email, apiToken, project] = process.argv;
const c = createCloudClient({ host, auth: { type: 'basic', email, apiToken }, onSchemaMismatch: 'throw' });
const doc = text => ({ type: 'doc', version: 1, content: [{ type: 'paragraph', content: [{ type: 'text', text }] }] });
let fails = 0;
const s = {};
const step = async (name, act) => {
  try {
    console.log('PASS', name, JSON.stringify(await act())?.slice(0, 90));
  } catch (e) {
    fails++;
    console.log('FAIL', name, e.name, String(e.message).replace(/\s+/g, ' ').slice(0, 400));
  }
};
const all = await c.users.getAllUsers({ maxResults: 20 });
const [who, other] = all.filter(u => u.active && u.displayName !== 'Efface Bot');
const first = who.displayName.split(' ')[0];

await step('user', () => c.users.getUser({ accountId: who.accountId }));
await step('user groups', () => c.users.getUserGroups({ accountId: who.accountId }));
await step('find users', () => c.userSearch.findUsers({ query: first }));
await step('assignable users', () => c.userSearch.findAssignableUsers({ project }));
await step('bulk assignable users', () => c.userSearch.findBulkAssignableUsers({ projectKeys: project }));
await step('users with browse permission', () => c.userSearch.findUsersWithBrowsePermission({ query: first, projectKey: project }));
await step('user picker', () => c.userSearch.findUsersForPicker({ query: first, showAvatar: true }));
await step('users by query', () => c.userSearch.findUsersByQuery({ query: `is assignee of ${project}` }));
await step('user keys by query', () => c.userSearch.findUserKeysByQuery({ query: `is assignee of ${project}` }));
await step('users and groups', () => c.groupAndUserPicker.findUsersAndGroups({ query: first }));
await step('groups', () => c.groups.findGroups({ query: 'jira' }));
await step('group members', () => c.groups.getUsersFromGroup({ groupname: 'jira-software-users' }));
await step('set user property', () => c.userProperties.setUserProperty({ accountId: who.accountId, propertyKey: 'k', body: { a: 1 } }));
await step('user properties', () => c.userProperties.getUserPropertyKeys({ accountId: who.accountId }));
await step('user property', () => c.userProperties.getUserProperty({ accountId: who.accountId, propertyKey: 'k' }));
await step('project', async () => (s.project = Number((await c.projects.getProject({ projectIdOrKey: project })).id)));
await step('update project', () => c.projects.updateProject({ projectIdOrKey: project, leadAccountId: who.accountId }));
await step('project properties', () => c.projectProperties.getProjectPropertyKeys({ projectIdOrKey: project }));
await step('create component', async () => (s.component = (await c.projectComponents.createComponent({ project, name: 'JJ', leadAccountId: who.accountId })).id));
await step('component', () => c.projectComponents.getComponent({ id: s.component }));
await step('update component', () => c.projectComponents.updateComponent({ id: s.component, body: { description: `of ${first}` } }));
await step('components', () => c.projectComponents.getProjectComponents({ projectIdOrKey: project }));
await step('components paged', () => c.projectComponents.getProjectComponentsPaginated({ projectIdOrKey: project }));
await step('component counts', () => c.projectComponents.getComponentRelatedIssues({ id: s.component }));
await step('delete component', () => c.projectComponents.deleteComponent({ id: s.component }));
await step('create version', async () => (s.version = (await c.projectVersions.createVersion({ projectId: s.project, name: 'JJ', releaseDate: '2026-12-01' })).id));
await step('version', () => c.projectVersions.getVersion({ id: s.version }));
await step('update version', () => c.projectVersions.updateVersion({ id: s.version, body: { released: true } }));
await step('move version', () => c.projectVersions.moveVersion({ id: s.version, position: 'First' }));
await step('versions', () => c.projectVersions.getProjectVersions({ projectIdOrKey: project }));
await step('versions paged', () => c.projectVersions.getProjectVersionsPaginated({ projectIdOrKey: project }));
await step('version counts', () => c.projectVersions.getVersionRelatedIssues({ id: s.version }));
await step('create role', async () => (s.role = (await c.projectRoles.createProjectRole({ name: 'JJ', description: 'x' })).id));
await step('role', () => c.projectRoles.getProjectRoleById({ id: s.role }));
await step('roles', () => c.projectRoles.getAllProjectRoles());
await step('roles of the project', () => c.projectRoles.getProjectRoles({ projectIdOrKey: project }));
await step('role details', () => c.projectRoles.getProjectRoleDetails({ projectIdOrKey: project }));
await step('add actor', () => c.projectRoleActors.addActorUsers({ projectIdOrKey: project, id: s.role, user: [who.accountId] }));
await step('role of the project', () => c.projectRoles.getProjectRole({ projectIdOrKey: project, id: s.role }));
await step('set actors', () => c.projectRoleActors.setActors({ projectIdOrKey: project, id: s.role, body: { categorisedActors: { 'atlassian-user-role-actor': [other.accountId] } } }));
await step('delete actor', () => c.projectRoleActors.deleteActor({ projectIdOrKey: project, id: s.role, user: other.accountId }));
await step('default actors', () => c.projectRoleActors.addProjectRoleActorsToRole({ id: s.role, user: [who.accountId] }));
await step('delete role', () => c.projectRoles.deleteProjectRole({ id: s.role }));
await step('audit records', () => c.auditRecords.getAuditRecords({ limit: 5 }));
await step('create issues', async () => (s.key = (await c.issues.createIssues({
  issueUpdates: [{ fields: { project: { key: project }, summary: 'jj', issuetype: { name: 'Task' }, assignee: { accountId: who.accountId }, description: doc(first) } }],
})).issues[0].key));
const issueIdOrKey = s.key;
await step('issue with everything', () => c.issues.getIssue({ issueIdOrKey, expand: 'changelog,names,schema,renderedFields' }));
await step('edit meta', () => c.issues.getEditIssueMeta({ issueIdOrKey }));
await step('transitions', () => c.issues.getTransitions({ issueIdOrKey }));
await step('assign', () => c.issues.assignIssue({ issueIdOrKey, accountId: other.accountId }));
await step('notify', () => c.issues.notify({ issueIdOrKey, subject: 's', textBody: 't', to: { users: [{ accountId: who.accountId }] } }));
await step('changelogs', async () => (s.changes = (await c.issues.getChangeLogs({ issueIdOrKey })).values.map(v => Number(v.id))));
await step('changelogs by id', () => c.issues.getChangeLogsByIds({ issueIdOrKey, changelogIds: s.changes }));
await step('changelogs of several', () => c.issues.getBulkChangelogs({ issueIdsOrKeys: [issueIdOrKey] }));
await step('add comment', async () => (s.comment = (await c.issueComments.addComment({ issueIdOrKey, body: doc(first) })).id));
await step('update comment', () => c.issueComments.updateComment({ issueIdOrKey, id: s.comment, body: { body: doc('again') } }));
await step('comments by id', () => c.issueComments.getCommentsByIds({ ids: [Number(s.comment)] }));
await step('comment property', () => c.issueCommentProperties.setCommentProperty({ commentId: s.comment, propertyKey: 'k', body: 1 }));
await step('comment properties', () => c.issueCommentProperties.getCommentPropertyKeys({ commentId: s.comment }));
await step('add worklog', async () => (s.worklog = (await c.issueWorklogs.addWorklog({ issueIdOrKey, timeSpentSeconds: 3600, comment: doc(first) })).id));
await step('worklogs by id', () => c.issueWorklogs.getWorklogsForIds({ ids: [Number(s.worklog)] }));
await step('worklogs since', () => c.issueWorklogs.getIdsOfWorklogsModifiedSince({ since: 0 }));
await step('worklog properties', () => c.issueWorklogProperties.getWorklogPropertyKeys({ issueIdOrKey, worklogId: s.worklog }));
await step('delete worklog', () => c.issueWorklogs.deleteWorklog({ issueIdOrKey, id: s.worklog }));
await step('worklogs deleted since', () => c.issueWorklogs.getIdsOfWorklogsDeletedSince({ since: 0 }));
await step('add watcher', () => c.issueWatchers.addWatcher({ issueIdOrKey, accountId: who.accountId }));
await step('watchers', () => c.issueWatchers.getIssueWatchers({ issueIdOrKey }));
await step('votes', () => c.issueVotes.getVotes({ issueIdOrKey }));
await step('add remote link', async () => (s.link = (await c.issueRemoteLinks.createOrUpdateRemoteIssueLink({ issueIdOrKey, object: { url: 'http://x.example', title: first } })).id));
await step('remote link', () => c.issueRemoteLinks.getRemoteIssueLinkById({ issueIdOrKey, linkId: String(s.link) }));
await step('link types', () => c.issueLinkTypes.getIssueLinkTypes());
console.log('failures', fails);
process.exit(Math.min(fails, 100));
